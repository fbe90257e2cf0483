// EngineChoice: which engine serves storage, messaging and state, read from one text each.
//
//   --database   embedded │ sqlite:PATH │ postgres://…  │ Host=…;Database=…
//   --broker     embedded │ amqp://…    │ amqps://…
//   --state      embedded │ redis://…   │ rediss://…    │ host:port,password=…
//
// Thread: pure values, made once at start.

import Hub

/// Where the orders are.
public enum DatabaseChoice: Sendable {
    /// A SQLite file; nil for the one in the data directory.
    case sqlite(path: String?)
    case postgres(PostgresOptions)

    init(parsing text: String) throws(SettingValueError) {
        if text == "embedded" {
            self = .sqlite(path: nil)
        } else if text.hasPrefix("sqlite:") {
            let path = String(text.dropFirst("sqlite:".count))
            if path.isEmpty { throw SettingValueError("write a file behind sqlite:") }
            self = .sqlite(path: path)
        } else {
            do {
                self = .postgres(try PostgresOptions(parsing: text))
            } catch {
                throw SettingValueError("\(error); or write embedded or sqlite:PATH")
            }
        }
    }
}

/// What carries the events from one service to the next.
public enum BrokerChoice: Sendable {
    /// A table in the embedded database, for one process.
    case embedded
    case rabbitMQ(AMQPOptions)

    init(parsing text: String) throws(SettingValueError) {
        if text == "embedded" {
            self = .embedded
        } else if text.hasPrefix("Endpoint=sb:") {
            throw SettingValueError(
                "Azure Service Bus is not supported; write embedded or a RabbitMQ URL amqp://…")
        } else {
            do {
                self = .rabbitMQ(try AMQPOptions(url: text))
            } catch {
                throw SettingValueError("\(error); or write embedded")
            }
        }
    }

    var isEmbedded: Bool { if case .embedded = self { true } else { false } }
}

/// Where owner and status of running orders are kept, and through what the hubs of several pods
/// reach each other.
public enum StateChoice: Sendable {
    /// Memory of this process.
    case embedded
    case redis(RedisOptions)

    init(parsing text: String) throws(SettingValueError) {
        if text == "embedded" {
            self = .embedded
        } else {
            do {
                self = .redis(try RedisOptions(text))
            } catch {
                throw SettingValueError("\(error); or write embedded")
            }
        }
    }

    var isEmbedded: Bool { if case .embedded = self { true } else { false } }
}
