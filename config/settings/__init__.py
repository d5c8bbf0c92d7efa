"""Settings: `base` composes the components; `development`, `test` and `production` contain only the differences."""
