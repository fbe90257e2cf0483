// Catalogue: the products of a new database, in the order of the list, and how the table is read.
//
// Vendors stand above their products. Columns are two or more blanks apart: external id, name,
// category, discount in percent (the price is already discounted), billing period, list price. An
// annual price is ten monthly ones. The text is part of migration 2: a change makes its checksum
// differ, so new products belong into a migration of their own.
//
// Thread: a pure value.  Allocates: once, when a database is seeded.

/// The seed of table Product.
enum Catalogue {
    /// What the migration's checksum covers.
    static var text: String { catalogueText }

    /// In list order. A line that cannot be read is our bug and traps.
    static func products() -> [Product] {
        var products: [Product] = []
        var vendor = ""
        for line in catalogueText.split(separator: "\n") {
            if line.hasPrefix("== ") {
                vendor = String(line.dropFirst(3))
            } else {
                products.append(product(in: line, vendor: vendor))
            }
        }
        return products
    }

    private static func product(in line: Substring, vendor: String) -> Product {
        let columns = columns(of: line)
        precondition(columns.count == 6, "catalogue line: \(line)")
        let digits = columns[5].filter { $0 != "." }
        return Product(
            externalID: columns[0], name: columns[1], category: columns[2], vendor: vendor,
            imageURL: "/badges/\(columns[0]).svg", discount: Int(columns[3])!,
            billingPeriod: columns[4], isSubscription: true,
            price: Price(hundredths: Int64(digits)!))
    }

    /// Splits at runs of two or more blanks; a single blank is part of a name.
    private static func columns(of line: Substring) -> [String] {
        var columns: [String] = []
        var words: [Substring] = []
        for word in line.split(separator: " ", omittingEmptySubsequences: false) {
            if !word.isEmpty {
                words.append(word)
            } else if !words.isEmpty {
                columns.append(words.joined(separator: " "))
                words = []
            }
        }
        return columns + [words.joined(separator: " ")]
    }
}

private let catalogueText = """
    == Microsoft
    AZ-900       Azure Fundamentals                    Cloud Fundamentals      50  Monthly   19.99
    AZ-104       Azure Administrator                   Cloud Administration    20  Annual   399.90
    AZ-204       Azure Developer                       Cloud Development       20  Annual   399.90
    AZ-305       Azure Solutions Architect             Cloud Architecture      10  Annual   749.90
    AZ-400       Azure DevOps Engineer                 DevOps                  10  Monthly   74.99
    AZ-500       Azure Security Engineer               Cloud Security          20  Monthly   19.99
    AZ-700       Azure Network Engineer                Networking              40  Monthly   59.99
    AZ-800       Windows Server Hybrid Administrator   Hybrid Infrastructure   20  Annual   399.90
    AZ-801       Windows Server Hybrid Services        Hybrid Infrastructure   36  Monthly   39.99
    AZ-140       Azure Virtual Desktop                 Virtual Desktop         30  Annual   399.90
    AZ-120       SAP Workloads on Azure                SAP on Cloud             0  Monthly   39.99
    DP-900       Azure Data Fundamentals               Data Fundamentals       10  Annual   199.90
    DP-203       Azure Data Engineer                   Data Engineering        20  Monthly   19.99
    DP-300       Azure Database Administrator          Databases               30  Monthly   39.99
    DP-100       Azure Data Scientist                  Data Science             0  Monthly   39.99
    DP-420       Cosmos DB Developer                   Databases               30  Annual   399.90
    AI-900       Azure AI Fundamentals                 AI Fundamentals         10  Annual   199.90
    AI-102       Azure AI Engineer                     AI Engineering          10  Annual   399.90
    SC-900       Security and Identity Fundamentals    Security Fundamentals    0  Annual   199.90
    SC-100       Cybersecurity Architect               Cybersecurity           25  Annual   699.90
    SC-200       Security Operations Analyst           Security Operations     10  Annual   599.90
    SC-300       Identity and Access Administrator     Identity and Access     30  Monthly   39.99
    SC-400       Information Protection Administrator  Information Protection  10  Monthly   59.99
    SC-401       Information Security Administrator    Information Protection  15  Monthly   19.99
    MS-900       Microsoft 365 Fundamentals            Modern Workplace        20  Annual   399.90
    MS-102       Microsoft 365 Administrator           Modern Workplace        10  Annual   799.90
    MS-700       Teams Administrator                   Unified Communications  10  Monthly   39.99
    MD-102       Endpoint Administrator                Endpoint Management     20  Annual   399.90
    PL-900       Power Platform Fundamentals           Low-Code Platforms      30  Monthly   39.99
    PL-100       Power Platform App Maker              Low-Code Platforms      15  Monthly   39.99
    PL-200       Power Platform Consultant             Low-Code Platforms      35  Monthly   39.99
    PL-300       Power BI Data Analyst                 Business Intelligence    0  Annual   199.90
    PL-400       Power Platform Developer              Low-Code Platforms      20  Annual   399.90
    MB-910       Dynamics 365 Customer Fundamentals    CRM                      0  Annual   199.90
    MB-920       Dynamics 365 Operations Fundamentals  ERP                     10  Annual   199.90
    MB-210       Dynamics 365 Sales Consultant         CRM                     20  Monthly   39.99
    MB-230       Dynamics 365 Service Consultant       CRM                     36  Annual   599.90
    MB-260       Customer Data Platform Specialist     Customer Data           36  Annual   399.90
    MB-330       Dynamics 365 Supply Chain Consultant  Supply Chain             0  Annual   599.90
    MB-700       Finance and Operations Architect      ERP                     30  Monthly   74.99
    GH-900       GitHub Foundations                    Version Control         30  Monthly   19.99
    GH-100       GitHub Administration                 DevOps                   0  Monthly   59.99
    GH-200       GitHub Actions                        DevOps                  36  Monthly   59.99
    GH-300       GitHub Copilot                        AI-Assisted Coding      20  Monthly   19.99
    GH-500       GitHub Advanced Security              Application Security    10  Monthly   19.99

    == AWS
    CLF-C02      AWS Cloud Practitioner                Cloud Fundamentals      50  Monthly   19.99
    AIF-C01      AWS AI Practitioner                   AI Fundamentals         35  Monthly   19.99
    SAA-C03      AWS Solutions Architect Associate     Cloud Architecture      25  Monthly   39.99
    DVA-C02      AWS Developer Associate               Cloud Development       30  Annual   399.90
    SOA-C03      AWS CloudOps Engineer Associate       Cloud Operations        36  Monthly   39.99
    DEA-C01      AWS Data Engineer Associate           Data Engineering        15  Annual   199.90
    MLA-C01      AWS Machine Learning Engineer         Machine Learning        20  Annual   399.90
    SAP-C02      AWS Solutions Architect Professional  Cloud Architecture      40  Monthly   79.99
    DOP-C02      AWS DevOps Engineer Professional      DevOps                  10  Monthly   74.99
    ANS-C01      AWS Advanced Networking               Networking              15  Annual   699.90
    SCS-C01      AWS Security Specialty                Cloud Security          10  Monthly   59.99
    MLS-C01      AWS Machine Learning Specialty        Machine Learning        10  Monthly   74.99

    == Cisco
    200-301      CCNA: Network Associate               Networking              20  Annual   199.90
    350-401      ENCOR: Enterprise Core                Networking              40  Annual   699.90
    300-410      ENARSI: Advanced Routing              Networking              20  Annual   599.90
    300-415      ENSDWI: SD-WAN Solutions              Networking              40  Annual   599.90
    300-420      ENSLD: Enterprise Network Design      Networking              20  Annual   699.90
    300-425      ENWLSD: Wireless Network Design       Wireless                10  Annual   799.90
    300-430      ENWLSI: Wireless Implementation       Wireless                10  Monthly   69.99
    300-435      ENAUTO: Enterprise Automation         Network Automation      10  Monthly   74.99
    300-440      ENCC: Cloud Connectivity              Networking              20  Annual   399.90
    300-445      ENNA: Network Assurance               Networking              25  Monthly   79.99
    300-710      SNCF: Firewall Operations             Network Security        20  Monthly   74.99
    300-715      SISE: Identity Services Engine        Identity and Access     50  Annual   749.90
    300-720      SESA: Email Security                  Email Security          25  Annual   799.90
    300-725      SWSA: Web Security                    Web Security            20  Annual   399.90
    350-701      SCOR: Security Core                   Network Security        15  Monthly   74.99
    200-901      DevNet Associate                      Network Automation      25  Annual   199.90
    350-901      DEVCOR: Applications Core             Software Development     0  Annual   699.90
    300-910      DEVOPS: Platforms and Pipelines       DevOps                   0  Annual   699.90
    350-801      CLCOR: Collaboration Core             Collaboration           25  Monthly   79.99
    300-810      CLICA: Collaboration Applications     Collaboration           20  Monthly   74.99
    300-815      CLACCM: Call Control                  Unified Communications  15  Monthly   69.99
    300-820      CLHCT: Hybrid Collaboration           Collaboration            0  Monthly   69.99
    300-835      CLAUTO: Collaboration Automation      Collaboration           10  Monthly   74.99

    == CompTIA
    220-1201     A+ Core 1: Hardware                   IT Support              60  Monthly   19.99
    220-1202     A+ Core 2: Operating Systems          Operating Systems       25  Annual   399.90
    FC0-U71      Tech+ Essentials                      IT Fundamentals         15  Monthly   19.99
    N10-009      Network+                              Networking              15  Annual   399.90
    SY0-701      Security+                             Cybersecurity           20  Monthly   19.99
    PT0-003      PenTest+                              Penetration Testing     15  Annual   799.90
    CY0-002      CySA+ Analyst                         Cybersecurity            0  Annual   599.90
    CAS-005      SecurityX Expert                      Cybersecurity           10  Monthly   74.99
    XK0-005      Linux+                                Linux                   15  Annual   199.90
    SK0-005      Server+                               Servers                 40  Monthly   39.99
    PK0-005      Project+                              Project Management      15  Monthly   19.99
    CV0-004      Cloud+                                Cloud Operations        15  Annual   199.90
    DA0-001      Data+                                 Data Analytics          20  Monthly   19.99
    DS0-001      DataSys+                              Databases               15  Monthly   39.99

    == Google
    GCP-ACE      Google Cloud Engineer                 Cloud Administration     0  Annual   199.90
    GCP-PCA      Google Cloud Architect                Cloud Architecture      10  Annual   599.90
    GCP-PDE      Google Data Engineer                  Data Engineering        20  Annual   399.90
    GCP-PCSE     Google Cloud Security Engineer        Cloud Security          35  Monthly   69.99
    GCP-PCDE     Google Cloud DevOps Engineer          DevOps                  25  Monthly   59.99
    GCP-PCDBe    Google Cloud Database Engineer        Cloud Databases         20  Annual   699.90
    GCP-PCNE     Google Cloud Network Engineer         Networking              15  Monthly   39.99
    GCP-PCDVE    Google Cloud Developer                Cloud Development        0  Annual   799.90
    GCP-PMLE     Google Machine Learning Engineer      Machine Learning        30  Monthly   74.99
    GCP-GACE-R   Google Cloud Engineer Renewal         Certification Renewal   50  Monthly   19.99
    GCP-PCA-R    Google Cloud Architect Renewal        Certification Renewal   10  Annual   399.90

    == ISC2
    ISC2-CC      Certified in Cybersecurity            Cybersecurity           25  Monthly   19.99
    ISC2-SSCP    Systems Security Practitioner         Cybersecurity           20  Monthly   19.99
    ISC2-CISSP   Information Systems Security          Cybersecurity           10  Monthly   39.99
    ISC2-CCSP    Cloud Security Professional           Cloud Security          25  Monthly   39.99
    ISC2-CGRC    Governance, Risk and Compliance       Governance and Risk     10  Monthly   39.99
    ISC2-HCISPP  Healthcare Security and Privacy       Healthcare Privacy      20  Monthly   59.99

    == ITIL
    ITIL4-FND    ITIL 4 Foundation                     IT Service Management   15  Annual   199.90
    ITIL4-DSV    ITIL 4 Drive Stakeholder Value        IT Service Management   15  Monthly   19.99
    ITIL4-HVIT   ITIL 4 High-Velocity IT               IT Service Management   15  Annual   199.90
    ITIL4-CDS    ITIL 4 Create, Deliver and Support    IT Service Management   10  Annual   399.90
    ITIL4-DPI    ITIL 4 Direct, Plan and Improve       IT Service Management   36  Annual   199.90
    ITIL4-SLD    ITIL 4 Leader: Digital Strategy       IT Leadership           40  Annual   799.90
    ITIL4-PM     ITIL 4 Problem Management             IT Service Management    0  Monthly   19.99
    ITIL4-IM     ITIL 4 Incident Management            IT Service Management   36  Annual   199.90
    ITIL4-CSM    ITIL 4 Collaborate, Assure, Improve   IT Service Management   10  Monthly   39.99
    ITIL4-SLM    ITIL 4 Service Level Management       IT Service Management   30  Annual   599.90
    ITIL4-CONT   ITIL 4 Continual Improvement          IT Service Management   36  Annual   199.90

    == Pearson
    ITS-PY       IT Specialist: Python                 Programming             15  Monthly   19.99
    ITS-JS       IT Specialist: JavaScript             Web Development         20  Annual   399.90
    ITS-JAVA     IT Specialist: Java                   Programming             10  Annual   199.90
    ITS-C        IT Specialist: C                      Programming             25  Monthly   19.99
    ITS-CNET     IT Specialist: C# and .NET            Programming             25  Monthly   39.99
    ITS-HTMLCSS  IT Specialist: HTML and CSS           Web Development         20  Monthly   19.99
    ITS-DATA     IT Specialist: Data Analytics         Data Analytics          20  Annual   199.90
    ITS-NET      IT Specialist: Networking             Networking              10  Monthly   39.99
    ITS-CYBER    IT Specialist: Cybersecurity          Cybersecurity           10  Annual   399.90
    ITS-CLOUD    IT Specialist: Cloud Computing        Cloud Fundamentals      15  Annual   399.90
    ITS-AI       IT Specialist: AI                     AI Fundamentals         10  Monthly   39.99

    == Terraform
    TF-003       Terraform Associate                   Infrastructure as Code  20  Monthly   39.99
    VA-003       Vault Associate                       Secrets Management      10  Monthly   19.99
    CA-003       Consul Associate                      Service Mesh            20  Monthly   19.99
    VOP-001      Vault Operations Professional         DevOps                   0  Monthly   59.99
    TF-PRO       Terraform Authoring and Operations    DevOps                  10  Annual   799.90

    == Databricks
    DB-DEA       Databricks Data Engineer              Data Engineering        20  Monthly   19.99
    DB-DEP       Databricks Data Engineer Pro          Data Engineering        20  Annual   599.90
    DB-DAA       Databricks Data Analyst               Data Analytics          40  Monthly   39.99
    DB-MLA       Databricks Machine Learning           Machine Learning         0  Monthly   19.99
    DB-MLP       Databricks Machine Learning Pro       MLOps                   10  Annual   749.90
    DB-GENAI     Databricks Generative AI Engineer     Generative AI            0  Annual   399.90
    DB-LAKE      Databricks Lakehouse Fundamentals     Data Platforms          25  Annual   199.90
    """
