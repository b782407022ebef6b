"""The report: what was measured, in words, tables and pictures for people. Nothing here trains or scores."""
