"""What the black-box tests stand on: the server process, byte-level clients, a ledger, a judge."""
