"""The product: the zone router (`api`), the shared base (`common`) and one folder for each vertical slice."""
