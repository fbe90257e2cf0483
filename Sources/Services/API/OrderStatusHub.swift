// OrderStatusHub: what clients of the hub may call.
//
//   loop: call ─▶ arguments decoded ─▶ worker: OrderTracking ─▶ reply ─▶ loop: completion
//                                                                  └▶ (RegisterOrder) Notification
//
// The push of a completed order and the answer to its POST travel on different connections. A push
// that came first was dropped by its client, which did not know the correlation id yet; so
// `RegisterOrder` sends it again, behind its completion, to a connection that was open when the order
// completed. A connection opened later asks `GetCurrentStatus` by itself and needs no second toast.
//
// Thread: methods on any loop, tracking on workers.  Allocates: per call.
// Source: the .NET system's OrderStatusHub.

import Hub

struct OrderStatusHub: Sendable {
    let tracking: OrderTracking
    let workers: WorkerPool

    /// Everything the hub needs to know of us.
    var methods: HubMethods {
        var methods = HubMethods()
        // Without a user there is nobody to notify.
        methods.onConnected = { caller, reply in
            reply.decide(caller.userID == nil ? .abort : .accept)
        }
        methods.method("Ping", arity: 0) { call in call.reply.void() }
        methods.method("RegisterOrder", arity: 1) { call throws(BindingFailure) in
            try registerOrder(call)
        }
        methods.method("GetCurrentStatus", arity: 1) { call throws(BindingFailure) in
            try getCurrentStatus(call)
        }
        return methods
    }

    private func registerOrder(_ call: HubCall) throws(BindingFailure) {
        guard let (correlation, user) = try owner(of: call) else { return }
        let (caller, reply) = (call.caller, call.reply)
        let isQueued = workers.submit { [tracking] isLate in
            if isLate { return reply.hubException("RegisterOrder failed on server") }
            let completed = tracking.register(correlation, by: user)
            reply.void()
            guard let completed, let orderID = completed.orderID,
                let completedAt = completed.completedAt, caller.connectedAtWall <= completedAt
            else { return }
            let event = OrderProcessed(correlation: correlation, orderID: orderID)
            caller.send(OrderNotification.target, [OrderNotification.completed(event)])
        }
        if !isQueued { reply.hubException("RegisterOrder failed on server") }
    }

    private func getCurrentStatus(_ call: HubCall) throws(BindingFailure) {
        guard let (correlation, user) = try owner(of: call) else { return }
        let reply = call.reply
        let isQueued = workers.submit { [tracking] isLate in
            if isLate { return reply.hubException("GetCurrentStatus failed on server") }
            do throws(StoreError) {
                let tracked = try tracking.currentStatus(correlation, for: user)
                reply.result(tracked.map(OrderNotification.status) ?? .null)
            } catch {
                reply.hubException("GetCurrentStatus failed on server")
            }
        }
        if !isQueued { reply.hubException("GetCurrentStatus failed on server") }
    }

    /// Who asks about which order; nil after the call has been answered with an error.
    private func owner(
        of call: HubCall
    ) throws(BindingFailure) -> (CorrelationID, user: String)? {
        let text = try call.arguments.optionalString(0)
        guard let user = call.caller.userID else {
            call.reply.hubException("Missing user identifier")
            return nil
        }
        guard let correlation = text.flatMap(CorrelationID.init(parsing:)) else {
            call.reply.hubException("Invalid correlationId")
            return nil
        }
        return (correlation, user)
    }
}
