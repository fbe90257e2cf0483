"""What the conformance tests stand on: a server under test, clients of every kind, pods."""
