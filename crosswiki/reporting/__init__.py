"""The report: measurements in sentences, tables and charts. Nothing here trains or scores."""
