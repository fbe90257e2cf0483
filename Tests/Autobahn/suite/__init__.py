"""Runs the Autobahn test suite against echo-server and judges what it has written.

    __main__   both transports at once, the verdict, the last line
    run        one transport: a server, wstest, its reports
    verdict    what index.json says, against what we ask for
    page       docs/AUTOBAHN.md
"""
