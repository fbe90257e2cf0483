// GroupTable: group → members and member → groups, of one loop.
//
//   indexByName  "orders" ─▶ 3
//   groups[3]    members [ (token, 0) (token, 2) … ]          dense: a delivery walks it in a row
//                            │        ▲
//   memberships[token] [ (3, 1) … ]───┘  each side knows its place in the other, so that joining,
//                                        leaving and disconnecting cost the same in a group of any size
//
// Joining twice is joining once; leaving a group one is not in does nothing; an empty group vanishes.
// Names are compared byte by byte.
//
// Thread: one loop.  Allocates: when a table grows.

import Loop

struct GroupTable {
    private struct Member {
        let token: EventToken
        /// Index into the member's own list of groups.
        var backIndex: Int
    }

    private struct Group {
        var name: String
        var members: [Member] = []
    }

    private struct Membership {
        let group: Int
        /// Index into the group's members.
        var position: Int
    }

    private var indexByName: [OrdinalName: Int] = [:]
    private var groups: [Group] = []
    /// Places of vanished groups, used again.
    private var freeGroups: [Int] = []
    private var memberships: [EventToken: [Membership]] = [:]

    var groupCount: Int { indexByName.count }

    /// False if the connection is a member already.
    @discardableResult mutating func join(_ token: EventToken, group name: String) -> Bool {
        let index = indexByName[OrdinalName(name)] ?? makeGroup(name)
        var own = memberships[token, default: []]
        if own.contains(where: { $0.group == index }) { return false }
        own.append(Membership(group: index, position: groups[index].members.count))
        groups[index].members.append(Member(token: token, backIndex: own.count - 1))
        memberships[token] = own
        return true
    }

    /// False if the connection is no member.
    @discardableResult mutating func leave(_ token: EventToken, group name: String) -> Bool {
        guard let index = indexByName[OrdinalName(name)], let own = memberships[token],
            let place = own.firstIndex(where: { $0.group == index })
        else { return false }
        removeMember(at: own[place].position, ofGroup: index)
        removeMembership(at: place, of: token)
        return true
    }

    /// Ends all memberships of a connection.
    /// - Returns: the names of the groups it has left.
    @discardableResult mutating func leaveAll(_ token: EventToken) -> [String] {
        guard let own = memberships.removeValue(forKey: token) else { return [] }
        let names = own.map { groups[$0.group].name }
        for membership in own {
            removeMember(at: membership.position, ofGroup: membership.group)
        }
        return names
    }

    /// Calls `body` with every member: one hash of the name, however many there are.
    func forEachMember(of name: String, _ body: (EventToken) -> Void) {
        guard let index = indexByName[OrdinalName(name)] else { return }
        for member in groups[index].members { body(member.token) }
    }

    private mutating func makeGroup(_ name: String) -> Int {
        if let index = freeGroups.popLast() {
            groups[index] = Group(name: name)
            indexByName[OrdinalName(name)] = index
            return index
        }
        groups.append(Group(name: name))
        indexByName[OrdinalName(name)] = groups.count - 1
        return groups.count - 1
    }

    private mutating func removeMember(at position: Int, ofGroup index: Int) {
        let last = groups[index].members.removeLast()
        if position < groups[index].members.count {
            groups[index].members[position] = last
            memberships[last.token]?[last.backIndex].position = position
        }
        if groups[index].members.isEmpty {
            indexByName[OrdinalName(groups[index].name)] = nil
            freeGroups.append(index)
        }
    }

    private mutating func removeMembership(at place: Int, of token: EventToken) {
        guard var own = memberships[token] else { return }
        let last = own.removeLast()
        if place < own.count {
            own[place] = last
            groups[last.group].members[last.position].backIndex = place
        }
        memberships[token] = own.isEmpty ? nil : own
    }
}
