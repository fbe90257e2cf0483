import Testing
@testable import WS
