"""Client packages in TypeScript and Python, generated from the zones' schemas (`manage.py zones clients`).

What lives here: which packages there are (`plan`), what is in them besides what the generators write (`packages`,
`templates/`, `runtime/`), running the generators (`tools`, `generation`, `toolchain/`), and what becomes of the result:
the output folder (`output`), drift (`drift`), copies in other repositories (`sync`), history (`archive`). docs/adr/0008
tells why it is like this. What does not: how a schema comes to be.
"""
