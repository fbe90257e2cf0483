import Loop
import Testing
import TestSupport

@testable import Hub

@Suite("BackplaneChannels") struct BackplaneChannelsTests {
    private let channels = BackplaneChannels(BackplaneSettings(), serverName: "srv_1")
    private let prefix = "contoso-signalrOrderNotification.Worker.Hubs.OrderStatusHub"

    @Test func `the names are those of the .NET pods, prefix in front without a separator`() {
        #expect(channels.all == prefix + ":all")
        #expect(channels.groupCommands == prefix + ":internal:groups")
        #expect(channels.acks(of: "srv_2") == prefix + ":internal:ack:srv_2")
        #expect(channels.returns(of: "srv_2") == prefix + ":internal:return:srv_2")
        #expect(
            channels.transportReplies(to: "srv_2") == prefix + ":internal:transport-reply:srv_2")
        #expect(channels.name(of: .transport("x_Y-1")) == prefix + ":internal:transport:x_Y-1")
        #expect(channels.name(of: .connection("x_Y-1")) == prefix + ":connection:x_Y-1")
        #expect(channels.name(of: .user("CUST-0001")) == prefix + ":user:CUST-0001")
        #expect(channels.name(of: .group("g")) == prefix + ":group:g")
    }

    @Test func `prefix and type name are settings`() {
        var settings = BackplaneSettings()
        settings.channelPrefix = ""
        settings.hubTypeName = "App.ChatHub"
        #expect(BackplaneChannels(settings, serverName: "s").all == "App.ChatHub:all")
        settings.channelPrefix = "MyApp"
        #expect(BackplaneChannels(settings, serverName: "s").all == "MyAppApp.ChatHub:all")
    }

    @Test(arguments: [
        "g", "a:b", "internal:groups", "with space", "é", "e\u{301}", "\u{301}x", "", ":all",
        "日本\r\n", "user:x",
    ])
    func `any name comes back byte for byte`(name: String) {
        let scopes = [
            BackplaneScope.connection(name), .user(name), .group(name), .transport(name),
        ]
        for scope in scopes {
            #expect(channels.channel(named: channels.name(of: scope)) == .scope(scope))
        }
    }

    @Test func `two spellings of a letter are two channels`() {
        let channels: Set<BackplaneChannel> = [
            .scope(.user("\u{E9}")), .scope(.user("e\u{301}")), .scope(.group("\u{E9}")),
        ]
        #expect(channels.count == 3)
    }

    @Test func `the channels of the pods themselves are told apart`() {
        #expect(channels.channel(named: channels.all) == .all)
        #expect(channels.channel(named: channels.groupCommands) == .groupCommands)
        #expect(channels.channel(named: channels.acks(of: "srv_1")) == .acks)
        #expect(channels.channel(named: channels.returns(of: "srv_1")) == .returns)
        #expect(
            channels.channel(named: channels.transportReplies(to: "srv_1")) == .transportReplies)
    }

    @Test func `another pod's, another hub's and unknown channels are none of ours`() {
        #expect(channels.channel(named: channels.acks(of: "srv_2")) == nil)
        #expect(channels.channel(named: channels.returns(of: "srv_")) == nil)
        #expect(channels.channel(named: channels.transportReplies(to: "srv_12")) == nil)
        #expect(channels.channel(named: "App.ChatHub:all") == nil)
        #expect(channels.channel(named: prefix + ":allx") == nil)
        #expect(channels.channel(named: prefix + ":internal:new") == nil)
        #expect(channels.channel(named: prefix) == nil)
        #expect(channels.channel(named: "") == nil)
    }

    @Test func `two spellings of one character are two users`() {
        #expect(BackplaneScope.user("é") != .user("e\u{301}"))
        #expect(Set([BackplaneScope.user("é"), .user("e\u{301}"), .group("é")]).count == 3)
    }

    @Test func `a server's name is its host and 32 digits, new each time`() throws {
        let (a, b) = (
            BackplaneChannels.makeServerName(random: SystemRandom()),
            BackplaneChannels.makeServerName(random: SystemRandom())
        )
        #expect(a != b)
        let underscore = try #require(a.lastIndex(of: "_"))
        let digits = a[a.index(after: underscore)...]
        #expect(digits.utf8.count == 32)
        #expect(digits.allSatisfy { "0123456789abcdef".contains($0) })
        #expect(a[..<underscore] == b[..<b.lastIndex(of: "_")!])
        #expect(!a[..<underscore].isEmpty)
    }
}
