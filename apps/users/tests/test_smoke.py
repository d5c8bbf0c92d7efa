import pytest

pytestmark = pytest.mark.django_db


def test_smoke(client):
    r = client.post(
        "/api/public/v1/auth/register/",
        {"email": "Ada@Example.com", "name": "Ada", "password": "a stone circle on the downs"},
        content_type="application/json",
    )
    print(r.status_code, r.content)
    assert r.status_code == 201
    r = client.post(
        "/api/public/v1/auth/login/",
        {"email": "ADA@example.com", "password": "a stone circle on the downs"},
        content_type="application/json",
    )
    print(r.status_code, r.content)
    pair = r.json()
    r = client.get("/api/private/v1/users/me/", headers={"Authorization": "Bearer " + pair["access"]})
    print(r.status_code, r.content)
    r = client.post(
        "/api/public/v1/auth/refresh/", {"refresh": pair["refresh"]}, content_type="application/json"
    )
    print(r.status_code, r.content)
    new = r.json()
    r = client.post(
        "/api/public/v1/auth/refresh/", {"refresh": pair["refresh"]}, content_type="application/json"
    )
    print(r.status_code, r.content)
    r = client.get("/api/private/v1/users/me/", headers={"Authorization": "Bearer " + new["access"]})
    print(r.status_code, r.content)
