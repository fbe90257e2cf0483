import COpenSSL
import TestSupport
import Testing

@testable import Loop

/// RFC 6066 §3: one listener, several certificates.
@Suite(.timeLimit(.minutes(2))) struct TLSServerNameTests {
    private let shop: TestCertificate
    private let shopRSA: TestCertificate
    private let any: TestCertificate
    private let api: TestCertificate
    private let harness: LoopHarness

    init() throws {
        shop = try TestCertificate(for: "DNS:shop.example")
        shopRSA = try TestCertificate(for: "DNS:Shop.Example", key: .rsa)
        any = try TestCertificate(for: "DNS:*.shop.example")
        api = try TestCertificate(for: "DNS:api.shop.example")
        let settings = TLSSettings(
            certificates: [shop, shopRSA, any, api].map {
                .init(certificate: $0.certificateFile, key: $0.keyFile)
            })
        harness = try LoopHarness(echoingWith: try TLSIdentity(settings))
    }

    private func client(
        _ name: String?, version: Int32 = 0, signatures: String? = nil
    ) throws -> TLSClient {
        var options = TLSClient.Options()
        options.serverName = name
        options.version = version
        options.signatures = signatures
        let client = try TLSClient(to: harness.address, options)
        try client.send([1])
        #expect(try client.receive(exactly: 1) == [1])
        return client
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `the name chooses the certificate, the exact one before the wildcard`(
        version: Int32
    ) throws {
        #expect(try client("shop.example", version: version).isCertificate(for: "shop.example"))
        #expect(
            try client("WWW.shop.example", version: version).isCertificate(for: "b.shop.example"))
        let api = try client("api.shop.example", version: version)
        #expect(api.isCertificate(for: "api.shop.example"))
        #expect(!api.isCertificate(for: "b.shop.example"))
    }

    @Test(arguments: [nil, "elsewhere.example", "a.b.shop.example"] as [String?])
    func `a client that names nobody we know is shown the first one`(name: String?) throws {
        #expect(try client(name).isCertificate(for: "shop.example"))
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION], [nil, "shop.example"] as [String?])
    func `a client that cannot verify ECDSA is shown the RSA certificate of the same name`(
        version: Int32, name: String?
    ) throws {
        let rsa = try client(name, version: version, signatures: "RSA-PSS+SHA256")
        #expect(rsa.certificateKeyType == EVP_PKEY_RSA)
        let ec = try client(name, version: version, signatures: "ECDSA+SHA256:RSA-PSS+SHA256")
        #expect(ec.certificateKeyType == EVP_PKEY_EC)
    }
}
