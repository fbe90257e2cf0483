import Testing

@testable import Loop

@Suite struct TLSCertificateSetsTests {
    private static let ec: Int32 = 408
    private static let rsa: Int32 = 6

    @Test func `certificates of one name and several types serve it together`() {
        let sets = TLSCertificateSets([
            (["shop.example", "www.shop.example"], Self.ec), (["Shop.Example"], Self.rsa),
            (["*.shop.example"], Self.ec),
        ])

        #expect(sets.byName["shop.example"] == [0, 1])
        #expect(sets.byName["www.shop.example"] == [0])
        #expect(sets.byName["*.shop.example"] == [2])
        #expect(sets.initial == [0, 1])
    }

    @Test func `of two with one name and one type the first counts`() {
        let sets = TLSCertificateSets([(["a"], Self.ec), (["a", "b"], Self.ec)])

        #expect(sets.byName == ["a": [0], "b": [1]])
    }

    @Test func `a certificate without a name serves those who name none`() {
        let sets = TLSCertificateSets([([], Self.ec), (["a"], Self.ec)])

        #expect(sets.initial == [0])
        #expect(sets.byName == ["a": [1]])
    }
}
