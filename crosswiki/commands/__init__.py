"""What a person types: one module for each subcommand of `crosswiki`."""
