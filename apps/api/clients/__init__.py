"""Client packages in TypeScript and Python, generated from the zones' schemas (`manage.py zones clients`).

The packages (`plan`), their content besides generated code (`packages`, `readmes`, `runtimes`), the generators (`tools`,
`generation`, `toolchain/`), and the result: the output folder (`output`), comparison (`drift`), copies in other
repositories (`sync`), history (`archive`). Hand-written client code belongs to the slices and to
apps/common/client_runtime. The schemas are made in apps/api/openapi. Decisions: docs/adr/0008.
"""
