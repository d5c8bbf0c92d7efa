"""The zone router beside django-revolution 1.0.46, in one run: `.venv/bin/python -m benchmarks.zones [part …]`.

    mounting   milliseconds a zone, warm, 50 zones over one slice with a viewset; Sarsen's includes the whole validation
    commands   `zones validate` and `zones urls` as whole processes, beside `revolution --validate-zones` and `--show-urls`
    schema     a newly generated schema, a cached one and a 304, by WSGI; the peer generates its schema each time
    seeds      the dump of all URLs, in 20 processes with a random hash seed each: the same bytes

The peer is installed from PyPI into a throwaway environment (with `questionary`, which it imports and does not declare) and
gets a project of four zones (`peer`). Both run in turns, with their bytecode compiled before; the
best of all turns and the median are printed. No database server is needed.
"""
