// Seed: migration 2, what a new database starts with: the catalogue, ten customers and twenty
// completed orders. Nothing in it is random, so that tests can name every row.
//
// These are the rows; SQLiteSeed and PostgresSeed write them.
//
// Thread: pure values.  Allocates: freely, once per database.

import Loop

enum Seed {
    struct Customer {
        let externalID: String
        let firstName: String
        let lastName: String
        let email: String
        let address: String
        let city: String
        let postalCode: String
        let country: String
    }

    struct Order {
        let customer: String
        /// Upper-case GUID, given out as it is.
        let correlation: String
        let lines: [AcceptRequest.Line]
        let createdAt: WallTime
        let completedAt: WallTime
    }

    /// What the migration's checksum covers.
    static var text: String { Catalogue.text + customerText + orderText }

    static func products() -> [Product] { Catalogue.products() }

    static func customers() -> [Customer] {
        customerText.split(separator: "\n").map { line in
            let columns = line.split(separator: "|").map(trimmed)
            return Customer(
                externalID: columns[0], firstName: columns[1], lastName: columns[2],
                email: "\(columns[1]).\(columns[2])@contoso.demo".lowercased(),
                address: columns[3], city: columns[4], postalCode: columns[5], country: columns[6])
        }
    }

    static func orders() -> [Order] {
        orderText.split(separator: "\n").enumerated().map { index, line in
            // Customer, correlation id, then `product*quantity` for each line.
            let words = line.split(separator: " ").map { String($0) }
            let lines = words.dropFirst(2).map { word in
                let parts = word.split(separator: "*")
                return AcceptRequest.Line(
                    productID: String(parts[0]), quantity: Int32(parts[1])!)
            }
            // One order every 36 hours from 2026-01-05T09:00:00Z on.
            let createdAt = WallTime(microseconds: 1_767_603_600_000_000)
                .advanced(by: .seconds(index * 36 * 3600))
            return Order(
                customer: words[0], correlation: words[1], lines: lines, createdAt: createdAt,
                completedAt: createdAt.advanced(by: .seconds(2)))
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }
}

private let customerText = """
    CUST-0001 | Maren   | Holloway  | 14 Larkspur Lane    | Portland | 97205   | US
    CUST-0002 | Theo    | Braddock  | 802 Quarry Street   | Denver   | 80202   | US
    CUST-0003 | Imani   | Castell   | 55 Harbor View      | Savannah | 31401   | US
    CUST-0004 | Rowan   | Pettifer  | 7 Tanner's Row      | Leeds    | LS1 4AP | GB
    CUST-0005 | Elspeth | Marlowe   | 31 Orchard Close    | Bristol  | BS1 5TR | GB
    CUST-0006 | Luc     | Desrosier | 218 Rue des Erables | Montreal | H2X 1Y6 | CA
    CUST-0007 | Kirra   | Dunmore   | 9 Wattle Court      | Adelaide | 5000    | AU
    CUST-0008 | Jonas   | Rehfeld   | Lindenallee 12      | Leipzig  | 04109   | DE
    CUST-0009 | Solene  | Aubrac    | 40 Quai des Brumes  | Nantes   | 44000   | FR
    CUST-0010 | Livia   | Sanfelice | Via dei Gelsi 23    | Bologna  | 40121   | IT
    """

private let orderText = """
    CUST-0001  8052949F-458D-43F2-958F-AE9464DF1106  AZ-104*1
    CUST-0002  98D2F133-FAD0-4101-AB6C-2AC230EDC152  ITS-PY*2 AZ-140*3
    CUST-0003  BD8786CE-4320-459D-B000-5A28066D892C  GH-100*2 GCP-PCNE*3 DB-MLA*1
    CUST-0004  44B73F0A-8AD9-4C22-9386-78F7234ABB1C  ITS-CYBER*1 300-715*1 300-815*1 AZ-204*2
    CUST-0005  AFB8D0C0-F016-4DAD-8264-7F78CE9D57B2  XK0-005*1 300-715*2 AZ-900*2 SC-200*3 DS0-001*1
    CUST-0006  E7D71EAD-06E9-4014-A056-2B615C5AFFFB  ITIL4-IM*1
    CUST-0007  1FE69650-4E55-4898-BB78-35148B72F41F  GH-500*1 AZ-801*1
    CUST-0008  632D9291-CEAD-4BC7-AD6B-1EADBB4760C3  CV0-004*2 350-801*1 ITIL4-FND*1
    CUST-0009  4D76F4EA-A9A2-4C00-835D-0B305389EBD4  MS-102*3 300-710*2 AZ-800*3 MB-920*3
    CUST-0010  2FF8F7F1-0A56-4A2A-B687-F7DF4F8002D1  DB-DEA*3 AZ-400*1 SC-300*3 AZ-204*2 SY0-701*2
    CUST-0001  A275B185-459E-4DBE-B239-8F0226463059  300-415*1
    CUST-0002  9C1ED11D-913E-42EE-951C-4F6E4FA90D58  MB-910*2 300-440*1
    CUST-0003  B39B798D-3866-4ECF-BD0E-EC28A8646773  SK0-005*3 GH-900*1 DB-DEP*2
    CUST-0004  2CAD2EE9-0D91-401F-AD64-9FB354C6971A  MB-920*1 TF-003*1 300-420*1 200-301*2
    CUST-0005  B49797AA-5EF5-4EDF-A6B5-7F0CB2C2422A  MS-102*3 DB-DAA*1 SC-300*1 CY0-002*1 350-701*1
    CUST-0006  910ACCBC-AF61-4246-B62A-371010F1BCFC  MB-260*3
    CUST-0007  6B7476C4-7398-42E0-B3E9-32C2CDAEC443  VOP-001*1 GCP-ACE*2 ISC2-CISSP*1 SAP-C02*2
    CUST-0008  60CE84B4-5405-4648-94BE-B10B356371D3  ANS-C01*1 SC-100*3 PL-900*3 MS-700*3 MLA-C01*3
    CUST-0009  1CB352B5-3343-4B45-9CAF-ACA446203F16  300-710*2 300-810*3 PL-300*2 DS0-001*1 SC-100*3
    CUST-0010  4D290BB1-1AF5-45A0-BB8F-91D741A02E51  DB-MLP*1 300-425*2 ISC2-CGRC*3 DVA-C02*1
    """
