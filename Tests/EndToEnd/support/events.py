"""Events as other producers than ours put them into the queues."""

import uuid

TWO_LINES = [{"productId": "AZ-900", "quantity": 1}, {"productId": "AZ-104", "quantity": 3}]


def new_correlation() -> str:
    return str(uuid.uuid4())


def accepted_event(correlation: str, user: str, items: list | None = None) -> dict:
    """In camel case, as producers with other serialisers write it."""
    return {"correlationId": {"value": correlation},
            "order": {"customerId": user, "items": items or TWO_LINES}}


def processed_event(correlation: str, order_id: int) -> dict:
    return {"CorrelationId": {"Value": correlation}, "OrderId": order_id}
