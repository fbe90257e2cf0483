// Settings+Hub: the rows of the table that are about the hub. Their effects: docs/LIMITS.md.
//
// Thread: constants.

import Hub
import Loop
import WS

extension Settings {
    static let hub: [Setting] = hubIdentity + hubTransports + hubLimits

    private static let hubIdentity: [Setting] = [
        .text(
            "hub.channel-prefix", "TEXT", \.channelPrefix, default: "contoso-signalr",
            aliases: [Setting.Alias("SignalR__ChannelPrefix")], "Prefix of backplane channels"),
        .text(
            "hub.type-name", "TEXT", \.hubTypeName,
            default: "OrderNotification.Worker.Hubs.OrderStatusHub",
            "The hub's name in backplane channels: that of the .NET class"),
        Setting(
            "hub.token-secret", "TEXT", default: nil, secrecy: .secret,
            "Key of connection tokens, the same in all pods; default: made from the signing key"
        ) { text, configuration throws(SettingValueError) in
            guard text.utf8.count >= 32 else {
                throw SettingValueError("write at least 32 bytes")
            }
            configuration.hubTokenSecret = text
        },
    ]

    private static let hubTransports: [Setting] = [
        Setting(
            "hub.transports", "LIST", default: "WebSockets,ServerSentEvents,LongPolling",
            "What the hub offers: WebSockets, ServerSentEvents, LongPolling"
        ) { text, configuration throws(SettingValueError) in
            let names = SettingValue.list(text)
            let transports = names.compactMap(HubTransport.init(rawValue:))
            guard !transports.isEmpty, transports.count == names.count else {
                throw SettingValueError(
                    "write one or more of WebSockets,ServerSentEvents,LongPolling")
            }
            configuration.hub.transports = transports
        },
        Setting(
            "hub.origins", "LIST", default: "any",
            "Origins whose pages may open a WebSocket, which no CORS guards; any: tokens are enough"
        ) { text, configuration throws(SettingValueError) in
            let origins = try originList(text, or: "any").map { $0.lowercased() }
            configuration.hub.allowedOrigins = origins.isEmpty ? nil : Set(origins)
        },
        .duration(
            "hub.disconnect-timeout", \.hub.disconnectTimeout, in: .seconds(1)...(.seconds(600)),
            default: "15s", "How long a client without a WebSocket may be away between requests"),
        .duration(
            "hub.poll-timeout", \.hub.pollTimeout, in: .seconds(1)...(.seconds(600)),
            default: "90s", "After which a poll without anything to tell is answered"),
        .toggle(
            "hub.stateful-reconnect", \.hub.allowsStatefulReconnect, default: false,
            "Let clients that ask for it keep their connection over a broken WebSocket"),
        .size(
            "hub.stateful-size", \.hub.statefulByteCountHigh, in: 1024...(128 << 10),
            default: "100000", "Unacknowledged messages of such a client at which its streams wait"),
        .toggle(
            "hub.compression", \.hub.compression.isOn, default: false,
            "Compress messages of WebSockets whose clients offer it (permessage-deflate)"),
        .size(
            "hub.compression-size", \.hub.compression.messageByteCountMin, in: 1...(1 << 20),
            default: "256B", "Messages that are smaller are not compressed"),
    ]

    private static let hubLimits: [Setting] = [
        .duration(
            "hub.keep-alive", \.hub.keepAliveInterval, in: .seconds(1)...(.seconds(240)),
            default: "15s", "Silence after which the hub pings a client"),
        .duration(
            "hub.client-timeout", \.hub.clientTimeout, in: .seconds(2)...(.seconds(600)),
            default: "30s", "Silence after which the hub gives a client up"),
        .duration(
            "hub.handshake-timeout", \.hub.handshakeTimeout, in: .seconds(1)...(.seconds(120)),
            default: "15s", "Time a client has for the hub handshake"),
        .size(
            "hub.message-size", \.hubMessageByteCountMax, in: 1024...(16 << 20),
            default: "32KiB", "Largest message a client may send"),
        .integer(
            "hub.parallel-invocations", \.hub.parallelInvocationCountMax, in: 1...1000,
            default: "1", "Invocations of one client that run at a time"),
        .integer(
            "hub.invocations", \.hub.invocationCountMax, in: 1...100_000, default: "100",
            "Invocations of one client that have not ended, streaming ones included"),
        .integer(
            "hub.upload-items", \.hub.uploadItemCountMax, in: 1...100_000, default: "10",
            "Items of one upload that wait for their method"),
        .size(
            "hub.posted-size", \.hub.postedByteCountMax, in: 1024...(16 << 20), default: "64KiB",
            "POSTed bytes of one client that wait for the hub"),
        .size(
            "hub.waiting-size", \.hub.waitingByteCountMax, in: (256 << 10)...(256 << 20),
            default: "4MiB", "Bytes for a client that does not fetch them; more ends the connection"
        ),
        .duration(
            "hub.max-age", \.hubConnectionAgeMax, in: .zero...(.seconds(7 * 86_400)),
            default: "0s",
            "Age, give or take a tenth, at which an idle connection is told to reconnect; 0: never"),
    ]
}
