"""A call with a key has one effect and one answer."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from cryptography.fernet import Fernet
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.response import Response

from apps.common.callers import ANONYMOUS, Caller, CallerKind
from apps.common.exceptions import NotFound
from apps.common.http import idempotency
from apps.common.http.renderers import JSONRenderer
from apps.common.models import DeadTask, StoredAnswer

ADA = Caller(kind=CallerKind.USER, user=SimpleNamespace(pk=1))
GRACE = Caller(kind=CallerKind.USER, user=SimpleNamespace(pk=2))


def request(key="key-1", *, method="POST", path="/api/x/", body=b'{"a":1}', kind="application/json"):
    extra = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    return RequestFactory().generic(method, path, body, content_type=kind, **extra)


def make(status=201, **headers):
    def call():
        row = DeadTask.objects.create(task_id="x", name="effect", error="")
        return JsonResponse({"id": str(row.pk), "access": "secret-token"}, status=status, headers=headers)

    return call


@pytest.mark.django_db
class TestRun:
    def test_a_repeated_call_gets_the_stored_answer(self):
        first = idempotency.run(
            request(), ADA, make(Location="/x/1", **{"X-Request-ID": "r1", "ETag": '"e"'})
        )
        again = idempotency.run(request(), ADA, make())
        assert DeadTask.objects.count() == 1
        assert (again.status_code, again.content) == (201, first.content)
        assert dict(again.headers) == {
            "Content-Type": "application/json",
            "Location": "/x/1",
            "ETag": '"e"',
            "Idempotency-Replayed": "true",
        }
        assert "Idempotency-Replayed" not in first.headers

    def test_stored_answers_are_encrypted(self):
        idempotency.run(request(body=b'{"password": "hunter2"}'), ADA, make())
        row = StoredAnswer.objects.get()
        assert "secret-token" not in row.body
        assert (row.caller, row.key) == ("user:1", "key-1")

    def test_without_a_key_or_for_safe_methods_nothing_is_stored(self):
        for made in (
            request(None),
            request(None),
            request(method="GET", body=b""),
            request(method="HEAD", body=b""),
        ):
            idempotency.run(made, ADA, make())
        assert (DeadTask.objects.count(), StoredAnswer.objects.count()) == (4, 0)

    @pytest.mark.parametrize("key", ["", "a" * 129, "with space", "tab\t", "ünicode"])
    def test_keys_are_visible_ascii(self, key):
        with pytest.raises(idempotency.IdempotencyKeyInvalid):
            idempotency.run(request(key), ADA, make())
        assert DeadTask.objects.count() == 0

    @pytest.mark.parametrize("key", ["!", "~" * 128, "7c29fd22-d12a-4f21-b918-5251d7b6ed66", '"quoted"'])
    def test_valid_keys_are_accepted(self, key):
        assert idempotency.run(request(key), ADA, make()).status_code == 201

    @pytest.mark.parametrize(
        "other",
        [
            {"body": b'{"a":2}'},
            {"method": "PUT"},
            {"path": "/api/y/"},
            {"path": "/api/x/?a=1"},
            {"kind": "application/merge-patch+json"},
        ],
    )
    def test_a_different_call_with_the_same_key_is_refused(self, other):
        idempotency.run(request(), ADA, make())
        with pytest.raises(idempotency.IdempotencyKeyReused):
            idempotency.run(request(**other), ADA, make())
        assert DeadTask.objects.count() == 1

    def test_keys_are_separate_for_each_caller(self):
        for caller in (ADA, GRACE, ANONYMOUS, ADA, GRACE, ANONYMOUS):
            idempotency.run(request(), caller, make())
        assert DeadTask.objects.count() == 3

    @pytest.mark.parametrize("status", [400, 404, 409, 204])
    def test_answers_of_refused_calls_are_stored(self, status):
        idempotency.run(request(), ADA, make(status))
        assert idempotency.run(request(), ADA, make(201)).status_code == status
        assert DeadTask.objects.count() == 1

    def test_429_is_not_stored(self):
        idempotency.run(request(), ADA, make(429))
        assert idempotency.run(request(), ADA, make(201)).status_code == 201

    def test_an_exception_rolls_the_effect_back(self):
        def fail():
            make()()
            raise NotFound

        with pytest.raises(NotFound):
            idempotency.run(request(), ADA, fail)
        assert (DeadTask.objects.count(), StoredAnswer.objects.count()) == (0, 0)

    def test_services_own_transactions_nest(self):
        def call():
            with pytest.raises(IntegrityError), transaction.atomic():
                DeadTask.objects.create(task_id="x", name="rolled back", error=None)
            with transaction.atomic():
                return make()()

        assert idempotency.run(request(), ADA, call).status_code == 201
        assert DeadTask.objects.count() == 1
        assert StoredAnswer.objects.count() == 1

    def test_late_rendered_responses_are_rendered(self):
        def call():
            response = Response({"a": 1}, status=201)
            response.accepted_renderer, response.accepted_media_type = JSONRenderer(), "application/json"
            response.renderer_context = {}
            return response

        assert idempotency.run(request(), ADA, call).content == b'{"a":1}'
        assert idempotency.run(request(), ADA, call).content == b'{"a":1}'

    def test_a_streamed_call_is_not_stored_and_runs_once(self):
        def stream():
            make()()
            return StreamingHttpResponse([b"x", b"y"])

        assert b"".join(idempotency.run(request(), ADA, stream)) == b"xy"
        with pytest.raises(idempotency.IdempotencyAnswerLost):
            idempotency.run(request(), ADA, stream)
        assert DeadTask.objects.count() == 1

    def test_answers_are_stored_up_to_a_size(self, monkeypatch):
        monkeypatch.setattr(idempotency, "MAX_KEPT", 1_000)
        for key, size in (("fits", 1_000), ("too-large", 1_001)):

            def call(size=size):
                make()()
                return HttpResponse(b"a" * size)

            assert idempotency.run(request(key), ADA, call).content == b"a" * size
        assert idempotency.run(request("fits"), ADA, make()).content == b"a" * 1_000
        with pytest.raises(idempotency.IdempotencyAnswerLost):
            idempotency.run(request("too-large"), ADA, make())
        assert DeadTask.objects.count() == 2

    def test_an_answer_without_its_encryption_key_is_lost_and_the_effect_is_not_repeated(self, settings):
        idempotency.run(request(), ADA, make())
        settings.FIELD_ENCRYPTION_KEYS = (Fernet.generate_key().decode(),)
        with pytest.raises(idempotency.IdempotencyAnswerLost):
            idempotency.run(request(), ADA, make())
        assert DeadTask.objects.count() == 1

    def test_keys_are_separate_for_each_service(self):
        billing, search = (Caller(kind=CallerKind.SERVICE, service=name) for name in ("billing", "search"))
        for caller in (billing, search, billing, search, ADA):
            idempotency.run(request(), caller, make())
        assert DeadTask.objects.count() == 3

    def test_keys_of_anonymous_callers_are_separate_for_each_address(self):
        for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::2"):
            call = request()
            call.META["REMOTE_ADDR"] = address
            idempotency.run(call, ANONYMOUS, make())
        assert DeadTask.objects.count() == 3

    def test_answers_of_a_caller_can_be_deleted(self):
        for caller in (ADA, GRACE):
            idempotency.run(request(), caller, make())
        assert idempotency.forget(caller=ADA) == 1
        assert StoredAnswer.objects.get().caller == "user:2"

    def test_an_empty_answer_without_a_type(self):
        def call():
            response = HttpResponse(status=204)
            del response.headers["Content-Type"]
            return response

        idempotency.run(request(), ADA, call)
        assert "Content-Type" not in idempotency.run(request(), ADA, call).headers

    def test_forms_with_files_are_still_readable(self, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
        data = (
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\n'
            + b"x" * 500
            + b"\r\n--b--\r\n"
        )
        upload = request(body=data, kind="multipart/form-data; boundary=b")
        idempotency.run(upload, ADA, lambda: HttpResponse(str(upload.FILES["f"].size)))
        again = request(body=data, kind="multipart/form-data; boundary=b")
        assert idempotency.run(again, ADA, make()).content == b"500"

    def test_a_repeated_form_may_have_another_boundary(self):
        def form(boundary, text):
            part = f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n{text}\r\n'
            kind = f"multipart/form-data; boundary={boundary}"
            return request(body=f"{part}--{boundary}--\r\n".encode(), kind=kind)

        idempotency.run(form("----one", "x"), ADA, make())
        assert idempotency.run(form("----two", "x"), ADA, make())["Idempotency-Replayed"] == "true"
        with pytest.raises(idempotency.IdempotencyKeyReused):
            idempotency.run(form("----two", "y"), ADA, make())
        assert DeadTask.objects.count() == 1

    def test_answers_are_deleted_after_a_day(self):
        idempotency.run(request(), ADA, make())
        StoredAnswer.objects.update(created_at=timezone.now() - dt.timedelta(hours=25))
        idempotency.run(request(), ADA, make())
        assert (DeadTask.objects.count(), StoredAnswer.objects.count()) == (2, 1)
        assert idempotency.prune() == 0
        assert idempotency.prune(now=timezone.now() + dt.timedelta(hours=25)) == 1


@pytest.mark.django_db(transaction=True)
class TestTransactions:
    def test_a_server_error_is_rolled_back_and_can_be_retried(self):
        assert idempotency.run(request(), ADA, make(503)).status_code == 503
        assert (DeadTask.objects.count(), StoredAnswer.objects.count()) == (0, 0)
        assert idempotency.run(request(), ADA, make(201)).status_code == 201
        assert DeadTask.objects.count() == 1

    def test_a_process_killed_before_the_commit_leaves_neither_effect_nor_answer(self, monkeypatch):
        def die(*_):
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr(idempotency, "_store", die)
            with pytest.raises(SystemExit):
                idempotency.run(request(), ADA, make())
        assert (DeadTask.objects.count(), StoredAnswer.objects.count()) == (0, 0)
        assert idempotency.run(request(), ADA, make()).status_code == 201
        assert DeadTask.objects.count() == 1

    def test_a_dead_connection_releases_its_key(self):
        running, go_on = threading.Event(), threading.Event()

        def doomed():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pids.append(cursor.fetchone()[0])
            running.set()
            assert go_on.wait(10)
            return make()()

        def first():
            try:
                with pytest.raises(DatabaseError):
                    idempotency.run(request(), ADA, doomed)
            finally:
                connection.close()

        pids: list[int] = []
        with ThreadPoolExecutor(1) as pool:
            outcome = pool.submit(first)
            assert running.wait(10)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", pids)
            assert idempotency.run(request(), ADA, make()).status_code == 201
            go_on.set()
            outcome.result(10)
        assert DeadTask.objects.count() == 1

    def test_a_broken_transaction_is_answered_but_not_stored(self):
        def call():
            try:
                DeadTask.objects.create(task_id="x", name="x", error=None)
            except IntegrityError:
                return JsonResponse({}, status=409)
            raise AssertionError

        assert idempotency.run(request(), ADA, call).status_code == 409
        assert StoredAnswer.objects.count() == 0

    def test_a_second_call_is_refused_while_the_first_is_running(self):
        running, go_on = threading.Event(), threading.Event()

        def slow():
            running.set()
            assert go_on.wait(10)
            return make()()

        def first():
            try:
                return idempotency.run(request(), ADA, slow)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(first)
            assert running.wait(10)
            with pytest.raises(idempotency.IdempotencyInFlight):
                idempotency.run(request(), ADA, make())
            assert idempotency.run(request("key-2"), ADA, make()).status_code == 201
            go_on.set()
            content = answer.result(10).content
        assert idempotency.run(request(), ADA, make()).content == content
        assert DeadTask.objects.count() == 2

    def test_one_of_many_parallel_calls_has_an_effect(self):
        gate = threading.Barrier(8)

        def call(_):
            gate.wait()
            try:
                return idempotency.run(request(), ADA, make()).status_code
            except idempotency.IdempotencyInFlight:
                return 409
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(call, range(8)))
        assert set(statuses) <= {201, 409}
        assert DeadTask.objects.count() == 1
