"""What every stage and command stands on: parameters, the graph, outputs, records, devices and errors."""
