// ChatMethods: messages to clients, and groups of them. Clients get "Message"(text).
//
// Thread: tasks.

import Hub

extension HubMethods {
    mutating func addChatMethods() {
        addMessagesToConnections()
        addMessagesToGroupsAndUsers()
        addGroups()
    }

    private mutating func addMessagesToConnections() {
        method("SendAll") { (call, text: String) in
            try await call.clients.all.send("Message", text)
        }
        method("SendOthers") { (call, text: String) in
            try await call.clients.others.send("Message", text)
        }
        method("SendCaller") { (call, text: String) in
            try await call.clients.caller.send("Message", text)
        }
        method("SendAllExcept") { (call, text: String, ids: [String]) in
            try await call.clients.allExcept(ids).send("Message", text)
        }
        method("SendConnection") { (call, id: String, text: String) in
            try await call.clients.client(id).send("Message", text)
        }
        method("SendConnections") { (call, ids: [String], text: String) in
            try await call.clients.clients(ids).send("Message", text)
        }
        method("SendValue") { (call, x: RawValue) in
            try await call.clients.caller.send("Message", x)
        }
        method("Flood") { (call, count: Int, size: Int) in
            let text = String(repeating: "x", count: max(0, size))
            for _ in 0..<max(0, count) {
                // A caller that has gone needs no more of them.
                try Task.checkCancellation()
                try await call.clients.caller.send("Message", text)
            }
        }
    }

    private mutating func addMessagesToGroupsAndUsers() {
        method("SendGroup") { (call, group: String, text: String) in
            try await call.clients.group(group).send("Message", text)
        }
        method("SendGroups") { (call, groups: [String], text: String) in
            try await call.clients.groups(groups).send("Message", text)
        }
        method("SendGroupExcept") { (call, group: String, ids: [String], text: String) in
            try await call.clients.groupExcept(group, ids).send("Message", text)
        }
        method("SendOthersInGroup") { (call, group: String, text: String) in
            try await call.clients.othersInGroup(group).send("Message", text)
        }
        method("SendUser") { (call, user: String, text: String) in
            try await call.clients.user(user).send("Message", text)
        }
        method("SendUsers") { (call, users: [String], text: String) in
            try await call.clients.users(users).send("Message", text)
        }
    }

    private mutating func addGroups() {
        method("Join") { (call, group: String) in
            try await call.groups.join(call.caller.connectionID, group)
        }
        method("Leave") { (call, group: String) in
            try await call.groups.leave(call.caller.connectionID, group)
        }
        method("JoinFor") { (call, id: String, group: String) in
            try await call.groups.join(id, group)
        }
        method("LeaveFor") { (call, id: String, group: String) in
            try await call.groups.leave(id, group)
        }
    }
}
