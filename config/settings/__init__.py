"""Settings: `base` composes the components; `development`, `test` and `production` state only what differs."""
