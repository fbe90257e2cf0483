// RedisWorkflowState: the workflow state that all pods share.
//
//   begin     SET map user EX t,  SET status ACCEPTED EX t NX        per order
//   advance   PROCESSING: EVAL,   COMPLETED: SET status … EX t XX    per change, and EXPIRE map t
//   status    GET status
//   owners    GET map, GET legacy, per order;  SET map … NX where only the legacy one is there
//   claim     SET map user EX t NX, GET map
//
// A call is one round trip, however many orders it is about. COMPLETED is the last status, so it may
// overwrite whatever is there. PROCESSING must not overwrite COMPLETED, and that takes a script: to
// compare and set in one step, Redis knows no plain command (SET … GET came with 6.2 and sets first).
// The script is sent whole, 250 bytes, so that no restart of the server makes it unknown.
//
// An ACL user needs +get +set +expire +eval +ping on order:* and ws:session:*.
//
// Thread: any worker thread; calls block for `callTimeout` at most.  Allocates: per command.
// Source: redis.io/commands: SET, EVAL, EXPIRE.

import Hub
import Loop

public struct RedisWorkflowState: WorkflowState {
    public struct Settings: Sendable {
        /// `WorkflowState:Ttl`: how long an entry lives after its last write; whole seconds.
        public var timeToLive: Duration = .seconds(30 * 60)
        /// For one call. Short, because an order that is being accepted waits for it: without the
        /// state the order goes on, only its owner and status are read from the database. A
        /// `syncTimeout` in the connection string goes before it.
        public var callTimeout: Duration = .milliseconds(250)
        public init() {}
    }

    private let redis: RedisClient
    private let settings: Settings
    private let timeToLive: String

    public init(redis: RedisClient, settings: Settings = Settings()) {
        self.redis = redis
        self.settings = settings
        timeToLive = String(max(1, settings.timeToLive.components.seconds))
    }

    public func begin(
        _ orders: [(correlation: CorrelationID, user: String)]
    ) throws(WorkflowStateError) {
        var commands: [RedisCommand] = []
        commands.reserveCapacity(2 * orders.count)
        for (correlation, user) in orders {
            commands.append(set(WorkflowKeys.owner(correlation), user))
            // NX: an order that is repeated may have come further already.
            let word = OrderStatus.accepted.word
            commands.append(set(WorkflowKeys.status(correlation), word, condition: "NX"))
        }
        _ = try call(commands)
    }

    public func advance(
        _ changes: [(correlation: CorrelationID, status: WorkflowStatus)]
    ) throws(WorkflowStateError) {
        var commands: [RedisCommand] = []
        commands.reserveCapacity(2 * changes.count)
        for (correlation, status) in changes {
            let key = WorkflowKeys.status(correlation)
            switch status.status {
            case .accepted: commands.append(refresh(key))
            case .processing:
                commands.append(
                    RedisCommand(
                        "EVAL", [Self.setUnlessCompleted, "1", key, status.text, timeToLive])
                )
            case .completed: commands.append(set(key, status.text, condition: "XX"))
            }
            commands.append(refresh(WorkflowKeys.owner(correlation)))
        }
        _ = try call(commands)
    }

    /// KEYS: status. ARGV: its new word, seconds to live.
    private static let setUnlessCompleted = """
        local old = redis.call('GET', KEYS[1]) \
        if not old then return 0 end \
        if string.sub(string.upper(old), 1, 9) == 'COMPLETED' then \
        return redis.call('EXPIRE', KEYS[1], ARGV[2]) end \
        redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) return 1
        """

    public func status(
        _ correlation: CorrelationID
    ) throws(WorkflowStateError) -> WorkflowStatus? {
        let replies = try call([get(WorkflowKeys.status(correlation))])
        guard let text = replies[0].text else { return nil }
        let status = WorkflowStatus(text: text)
        if status == nil {
            Log("state").warning(
                "stored status not understood", [.correlation(correlation.description)])
        }
        return status
    }

    public func owners(
        _ correlations: [CorrelationID]
    ) throws(WorkflowStateError) -> [String?] {
        if correlations.isEmpty { return [] }
        let replies = try call(
            correlations.flatMap {
                [get(WorkflowKeys.owner($0)), get(WorkflowKeys.legacyOwner($0))]
            })
        var owners: [String?] = []
        var copies: [RedisCommand] = []
        for (index, correlation) in correlations.enumerated() {
            let owner = replies[2 * index].text
            let legacy = replies[2 * index + 1].text
            owners.append(owner ?? legacy)
            if owner == nil, let legacy {
                copies.append(set(WorkflowKeys.owner(correlation), legacy, condition: "NX"))
            }
        }
        if !copies.isEmpty { _ = try call(copies) }
        return owners
    }

    public func claim(
        _ correlation: CorrelationID, for user: String
    ) throws(WorkflowStateError) -> String {
        let key = WorkflowKeys.owner(correlation)
        let replies = try call([set(key, user, condition: "NX"), get(key)])
        // Nothing there any more: another owner's key ran out between the two commands.
        return replies[1].text ?? user
    }

    // MARK: Commands

    private func set(_ key: String, _ value: String, condition: String? = nil) -> RedisCommand {
        RedisCommand("SET", [key, value, "EX", timeToLive] + (condition.map { [$0] } ?? []))
    }

    private func get(_ key: String) -> RedisCommand { RedisCommand("GET", [key]) }

    private func refresh(_ key: String) -> RedisCommand {
        RedisCommand("EXPIRE", [key, timeToLive])
    }

    private func call(_ commands: [RedisCommand]) throws(WorkflowStateError) -> [RedisReply] {
        do throws(RedisError) {
            return try redis.call(commands, timeout: redis.commandTimeout ?? settings.callTimeout)
        } catch {
            throw WorkflowStateError(reason: error.description)
        }
    }
}
