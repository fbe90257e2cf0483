// BackplaneChannels: the names of the pub/sub channels, and what they mean.
//
//   contoso-signalr OrderNotification.Worker.Hubs.OrderStatusHub :user:CUST-0001
//   └── prefix ───┘ └──────────── hub type ────────────────────┘ └── suffix ───┘
//
//   :all                            everybody
//   :connection:ID :group:G :user:U one connection, the members of a group, a user's connections
//   :internal:groups                joins and leaves for connections of other pods
//   :internal:ack:SERVER            answers to those, for the pod that asked
//   :internal:return:SERVER         answers of clients, for the pod that asked
//   :internal:transport:ID          requests of a client without a WebSocket, for its pod
//   :internal:transport-reply:SERVER  answers to those, for the pod that asked
//
// The last two are ours alone; .NET pods know nothing of them.
//
// Everything behind the last fixed colon belongs to the name: it may hold colons, spaces, any bytes.
//
// Thread: an immutable value, any thread.  Allocates: the names.
// Source: ASP.NET Core SignalR, RedisChannels.

import Glibc
import Loop

/// What is published on one channel.
enum BackplaneChannel: Hashable {
    case all
    case scope(BackplaneScope)
    case groupCommands
    /// For this pod.
    case acks
    /// For this pod.
    case returns
    /// For this pod.
    case transportReplies
}

struct BackplaneChannels: Sendable {
    let all: String
    let groupCommands: String
    /// This pod among the others: unique for each start of the process.
    let serverName: String
    private let prefix: String

    init(_ settings: BackplaneSettings, serverName: String) {
        prefix = settings.channelPrefix + settings.hubTypeName
        self.serverName = serverName
        all = prefix + Suffix.all
        groupCommands = prefix + Suffix.groupCommands
    }

    private enum Suffix {
        static let all = ":all"
        static let connection = ":connection:"
        static let group = ":group:"
        static let user = ":user:"
        static let groupCommands = ":internal:groups"
        static let ack = ":internal:ack:"
        static let `return` = ":internal:return:"
        static let transport = ":internal:transport:"
        static let transportReply = ":internal:transport-reply:"
    }

    /// `host_` and 32 hexadecimal digits.
    static func makeServerName(random: some RandomSource) -> String {
        // HOST_NAME_MAX is 64 on Linux.
        let host = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65) { name in
            guard let start = name.baseAddress, gethostname(start, name.count) == 0 else {
                return "pod"
            }
            name[name.count - 1] = 0
            return String(cString: start)
        }
        let digits = Array("0123456789abcdef")
        return host + "_"
            + String(random.bytes(16).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// Where answers to the group commands of a server go.
    func acks(of server: String) -> String { prefix + Suffix.ack + server }

    /// Where the answers go that a server waits for from clients of others.
    func returns(of server: String) -> String { prefix + Suffix.return + server }

    /// Where the answers to the requests go that a server has forwarded.
    func transportReplies(to server: String) -> String { prefix + Suffix.transportReply + server }

    func name(of channel: BackplaneChannel) -> String {
        switch channel {
        case .all: all
        case .scope(let scope): name(of: scope)
        case .groupCommands: groupCommands
        case .acks: acks(of: serverName)
        case .returns: returns(of: serverName)
        case .transportReplies: transportReplies(to: serverName)
        }
    }

    func name(of scope: BackplaneScope) -> String {
        switch scope {
        case .connection(let id): prefix + Suffix.connection + id
        case .group(let name): prefix + Suffix.group + name
        case .user(let id): prefix + Suffix.user + id
        case .transport(let id): prefix + Suffix.transport + id
        }
    }

    /// What a channel is for; nil if it is none of ours.
    func channel(named name: String) -> BackplaneChannel? {
        var name = name
        return name.withUTF8 { channel(named: UnsafeRawBufferPointer($0)) }
    }

    /// The same for a name as it arrives.
    func channel(named name: UnsafeRawBufferPointer) -> BackplaneChannel? {
        guard let suffix = rest(of: name, after: prefix) else { return nil }
        if let user = rest(of: suffix, after: Suffix.user) { return .scope(.user(text(user))) }
        if let id = rest(of: suffix, after: Suffix.connection) {
            return .scope(.connection(text(id)))
        }
        if let group = rest(of: suffix, after: Suffix.group) { return .scope(.group(text(group))) }
        if rest(of: suffix, after: Suffix.all)?.isEmpty == true { return .all }
        if rest(of: suffix, after: Suffix.groupCommands)?.isEmpty == true { return .groupCommands }
        if let id = rest(of: suffix, after: Suffix.transport) {
            return .scope(.transport(text(id)))
        }
        if let server = rest(of: suffix, after: Suffix.ack) {
            return rest(of: server, after: serverName)?.isEmpty == true ? .acks : nil
        }
        if let server = rest(of: suffix, after: Suffix.return) {
            return rest(of: server, after: serverName)?.isEmpty == true ? .returns : nil
        }
        if let server = rest(of: suffix, after: Suffix.transportReply) {
            return rest(of: server, after: serverName)?.isEmpty == true ? .transportReplies : nil
        }
        return nil
    }

    /// Byte by byte: Swift's own prefix takes two spellings of "é" for one, and would join a
    /// combining accent at a name's start to the colon in front of it.
    private func rest(
        of name: UnsafeRawBufferPointer, after start: String
    ) -> UnsafeRawBufferPointer? {
        var start = start
        return start.withUTF8 { start in
            guard name.count >= start.count else { return nil }
            if let first = start.baseAddress, memcmp(name.baseAddress!, first, start.count) != 0 {
                return nil
            }
            return UnsafeRawBufferPointer(rebasing: name[start.count...])
        }
    }

    private func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
