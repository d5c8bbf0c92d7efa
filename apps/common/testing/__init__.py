"""The test kit: what the tests of every slice share. Only tests import it, and images do not contain it.

`fixtures` are there for every test by name:

======================  =============================================================================================
fixture                 what it is
======================  =============================================================================================
`public`                an anonymous `Api`, which calls the public zone
`private(user)`         an `Api` of the private zone in a new session of a user
`admin(user)`           the same of the admin zone
`service(*routes)`      an `Api` of the internal zone with a new key for these routes, or for all
`user`                  an account without special permissions
`relay()`               runs the handlers of due events and their tasks in place; returns the mails that they sent
`pushed`                the frames that services push to open sockets; those that wait for the commit need
                        `django_capture_on_commit_callbacks(execute=True)`
`clean_limits`          no attempt counts towards a rate limit
======================  =============================================================================================

Plugins add `mailoutbox`, `django_assert_num_queries(2)` and `django_assert_max_num_queries` (pytest-django), and
`time_machine.move_to(...)` (time-machine).

A request that loads related rows one by one, where `select_related` or `prefetch_related` would load them at once, raises
`zeal.NPlusOneError` (django-zeal); a client that does not raise answers 500.

====================  ===============================================================================================
module                content
====================  ===============================================================================================
`users`               factories of accounts, and their sessions, tokens, headers and callers
`clients`             `Api`, and `code_of`, the status and code of a problem document
`events`              `tasks_of`, the tasks that follow from an event
`servers`             a server in the process of the test, and sockets of it
`processes`           servers and a worker in processes of their own
`waiting`             `wait_until` a condition is true
`client_sockets`      sockets of generated Python clients
`personal_columns`    finds personal columns that are neither exported nor erased
====================  ===============================================================================================
"""
