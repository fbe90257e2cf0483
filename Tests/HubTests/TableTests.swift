import Loop
import Testing
import TestSupport

@testable import Hub

private func token(_ index: UInt32, generation: UInt32 = 1) -> EventToken {
    EventToken(index: index, generation: generation)
}

private final class Member {}

@Suite("ConnectionRegistry") struct ConnectionRegistryTests {
    @Test func `a connection is found by its id and its token, and active only when activated`() {
        var registry = ConnectionRegistry<Member>()
        let member = Member()

        registry.insert(member, id: "a", token: token(5))
        #expect(registry.member(token(5)) === member)
        #expect(registry.token(ofID: "a") == token(5))
        #expect(registry.activeToken(ofID: "a") == nil)
        #expect(registry.activeTokens.isEmpty)

        registry.activate(token(5))
        #expect(registry.activeToken(ofID: "a") == token(5))
        #expect(registry.activeTokens == [token(5)])
    }

    @Test func `an old generation finds nobody`() {
        var registry = ConnectionRegistry<Member>()
        registry.insert(Member(), id: "a", token: token(5, generation: 1))
        registry.remove(token(5, generation: 1), id: "a")
        registry.insert(Member(), id: "b", token: token(5, generation: 2))

        registry.remove(token(5, generation: 1), id: "a")

        #expect(registry.member(token(5, generation: 1)) == nil)
        #expect(registry.member(token(5, generation: 2)) != nil)
        #expect(registry.token(ofID: "a") == nil)
        #expect(registry.count == 1)
    }

    @Test func `any order of removals leaves the others active`() {
        let random = SeededRandom(seed: 3)
        var registry = ConnectionRegistry<Member>()
        var alive: Set<UInt32> = []
        for step in 0..<2000 {
            let index = UInt32(random.below(40))
            if alive.remove(index) != nil {
                registry.remove(token(index), id: "\(index)")
            } else {
                registry.insert(Member(), id: "\(index)", token: token(index))
                registry.activate(token(index), directProtocol: .json)
                alive.insert(index)
            }
            #expect(Set(registry.activeTokens.map(\.index)) == alive, "step \(step)")
            #expect(registry.activeTokens.count == alive.count)
        }
    }
}

@Suite("UserTable") struct UserTableTests {
    private func connections(_ users: UserTable, _ user: String) -> Set<EventToken> {
        var seen: [EventToken] = []
        users.forEachConnection(of: user) { seen.append($0) }
        #expect(Set(seen).count == seen.count)
        return Set(seen)
    }

    @Test func `a user has all its connections, and users are told apart byte by byte`() {
        var users = UserTable()
        users.insert(token(1), user: "ann")
        users.insert(token(2), user: "ann")
        users.insert(token(3), user: "Ann")
        users.insert(token(4), user: "\u{E9}va")
        users.insert(token(5), user: "e\u{301}va")

        #expect(connections(users, "ann") == [token(1), token(2)])
        #expect(connections(users, "Ann") == [token(3)])
        #expect(connections(users, "\u{E9}va") == [token(4)])
        #expect(connections(users, "e\u{301}va") == [token(5)])
        #expect(connections(users, "bob").isEmpty)
    }

    @Test func `a user without connections vanishes`() {
        var users = UserTable()
        users.insert(token(1), user: "ann")
        users.insert(token(2), user: "ann")

        users.remove(token(1), user: "ann")
        users.remove(token(9), user: "ann")
        users.remove(token(2, generation: 7), user: "ann")
        #expect(connections(users, "ann") == [token(2)])

        users.remove(token(2), user: "ann")
        #expect(users.userCount == 0)
        #expect(connections(users, "ann").isEmpty)
    }

    @Test(arguments: 0..<10)
    func `any order of inserts and removals agrees with a table of sets`(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        var users = UserTable()
        var model: [String: Set<EventToken>] = [:]
        var owners: [EventToken: String] = [:]
        for _ in 0..<1500 {
            let who = token(UInt32(random.below(12)))
            if let user = owners.removeValue(forKey: who) {
                users.remove(who, user: user)
                model[user]?.remove(who)
            } else {
                let user = "u\(random.below(4))"
                users.insert(who, user: user)
                owners[who] = user
                model[user, default: []].insert(who)
            }
            for user in model.keys { #expect(connections(users, user) == model[user]) }
            #expect(users.userCount == model.values.count { !$0.isEmpty })
        }
    }
}

@Suite("GroupTable") struct GroupTableTests {
    @Test func `joining twice is joining once`() {
        var groups = GroupTable()
        let joins = (0..<2).map { _ in groups.join(token(1), group: "g") }
        #expect(joins == [true, false])
        #expect(members(groups, "g") == [token(1)])
    }

    @Test func `leaving what one is not in does nothing`() {
        var groups = GroupTable()
        groups.join(token(1), group: "g")

        let stranger = groups.leave(token(2), group: "g")
        let elsewhere = groups.leave(token(1), group: "other")
        let nowhere = groups.leaveAll(token(7))
        #expect(!stranger && !elsewhere && nowhere.isEmpty)
        #expect(members(groups, "g") == [token(1)])
    }

    @Test func `names are case-sensitive and empty groups vanish`() {
        var groups = GroupTable()
        groups.join(token(1), group: "g")
        groups.join(token(2), group: "G")
        #expect(members(groups, "g") == [token(1)])
        #expect(members(groups, "G") == [token(2)])

        groups.leave(token(1), group: "g")
        #expect(groups.groupCount == 1)
        #expect(groups.leaveAll(token(2)) == ["G"])
        #expect(groups.groupCount == 0)
    }

    @Test(arguments: 0..<10)
    func `any order of joins and leaves agrees with a table of sets`(seed: Int) {
        let random = SeededRandom(seed: UInt64(seed))
        var groups = GroupTable()
        var model: [String: Set<EventToken>] = [:]
        for _ in 0..<1500 {
            let who = token(UInt32(random.below(12)))
            let name = "g\(random.below(6))"
            switch random.below(7) {
            case 0..<4:
                #expect(
                    groups.join(who, group: name) == model[name, default: []].insert(who).inserted)
            case 4..<6:
                #expect(
                    groups.leave(who, group: name)
                        == (model[name, default: []].remove(who) != nil))
            default:
                let left = Set(model.filter { $0.value.contains(who) }.keys)
                for name in left { model[name]?.remove(who) }
                #expect(Set(groups.leaveAll(who)) == left)
            }
            model = model.filter { !$0.value.isEmpty }
            #expect(groups.groupCount == model.count)
            for index in 0..<6 { #expect(members(groups, "g\(index)") == model["g\(index)"] ?? []) }
        }
    }

    private func members(_ groups: GroupTable, _ name: String) -> Set<EventToken> {
        var seen: [EventToken] = []
        groups.forEachMember(of: name) { seen.append($0) }
        #expect(Set(seen).count == seen.count)
        return Set(seen)
    }
}
