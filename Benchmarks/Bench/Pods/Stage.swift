// Stage: whom the connections go to: servers that are there, or a rig of our own.
//
//   --url given ─▶ those servers                       ─┐
//   else        ─▶ Rig: pods, Redis, certificate (floor) ┴▶ options with nothing left open
//
// Thread: the coordinator's.  Allocates: freely.

import Measure

struct Stage {
    /// One run against one set of servers.
    struct Part {
        let options: BenchOptions
        let target: RunResult.Target
        let servers: [WatchedServer]
    }

    /// Ours, or those of --url.
    let main: Part
    let floor: Part?
    /// The same load with nobody who does not read, where some do not.
    var undisturbed: Part? {
        guard main.options.scenarioOrDefault == .slowReaders, main.options.slowShare > 0 else {
            return nil
        }
        var options = main.options
        options.slowShare = 0
        return Part(options: options, target: main.target, servers: main.servers)
    }
    private let rig: Rig?

    init(_ options: BenchOptions, say: @escaping (String) -> Void) throws(BenchError) {
        var options = options
        // What follows fills in what the default depends on.
        options.scenario = options.scenarioOrDefault
        guard options.urls.isEmpty else {
            rig = nil
            floor = nil
            main = Part(
                options: options,
                target: RunResult.Target(
                    kind: .other, url: options.urls.map(\.description).joined(separator: " ")),
                servers: options.serverProcesses.map {
                    WatchedServer(name: "pid \($0)", process: $0)
                })
            return
        }
        let rig = try Rig(options.needs, say: say)
        self.rig = rig
        main = Self.part(.pods, rig.pods, options, rig)
        floor = options.measuresFloor ? Self.part(.floor, rig.floor, options, rig) : nil
    }

    func stop() { rig?.stop() }

    private static func part(
        _ kind: RunResult.Target.Kind, _ place: Rig.Place, _ options: BenchOptions, _ rig: Rig
    ) -> Part {
        var options = options
        options.urls = place.urls
        options.authorityFile = options.isPlain || options.isInsecure ? nil : rig.certificateFile
        options.tokenSecret = rig.secret
        options.issuer = Rig.issuer
        options.audience = Rig.audience
        if let port = rig.redisPort, options.publish == nil {
            options.publish = .redis(host: "127.0.0.1", port: port)
        }
        return Part(
            options: options,
            target: RunResult.Target(
                kind: kind, url: place.urls.map(\.description).joined(separator: " ")),
            servers: place.servers)
    }
}

extension BenchOptions {
    /// What a run without --url has to start.
    var needs: Rig.Needs {
        let scenario = scenarioOrDefault
        let isEcho = scenario == .echo && echo == .raw
        return Rig.Needs(
            podCount: podCount ?? (scenario == .backplane ? 3 : 1), isEcho: isEcho,
            hasRedis: [.fanOut, .backplane, .slowReaders].contains(scenario), isPlain: isPlain,
            hasFloor: measuresFloor, hasOrders: scenario == .order,
            connectionCount: connectionCount + (scenario == .storm ? newcomerCount : 0),
            cores: isPinned ? "0" : nil)
    }
}
