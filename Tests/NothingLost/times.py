"""How long things may take, and for how long a fault excuses them; in seconds."""

CLOCK_SLACK = 0.001
ANSWER_WITHIN = 5.0
# What a loaded machine may add between the server's answer and the client's look at its clock.
ANSWER_SLACK = 1.0
QUIET_WITHIN = 60.0
# A frozen or killed process is not held to its promises until so long after it is back.
AFTERMATH = 2.0
# For so long after a fault of the database or of the accept process itself a 503 is honest.
EXCUSE = 15.0
# From the moment that an order gets as its end until the end is committed and counted, or has
# failed: longer than a store may take for one call.
COMMIT_WITHIN = 5.0
# What a loaded machine may put between a commit and the count behind it.
COUNT_SLACK = 0.5
