// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import Testing

@testable import ReevePublishing

/// Names of companies by their legal form, and the hosts that services give their customers.
@Suite struct OrganizationTests {
    private func found(_ text: String, _ rule: String, minimum: Double = 0.3) throws -> [String] {
        try Detector(minimum: minimum).findings(in: text).filter { $0.rule == rule }.map { finding in
            String(decoding: Array(text.utf8)[finding.utf8], as: UTF8.self)
        }
    }

    @Test(arguments: [
        ("the order of Northwind Traders Ltd. is late", "Northwind Traders Ltd."),
        ("Wexford Marine GmbH", "Wexford Marine GmbH"), ("bei der Wexford GmbH & Co. KG", "Wexford GmbH & Co. KG"),
        ("Send it to Kestrel & Sons, Inc. today", "Kestrel & Sons, Inc."), ("Contact Okafor LLC", "Okafor LLC"),
        ("Lindqvist Papier B.V.", "Lindqvist Papier B.V."), ("Moreau S.A.S.", "Moreau S.A.S."),
        ("Tanaka Trading K.K.", "Tanaka Trading K.K."), ("Silva e Mensah Ltda", "Silva e Mensah Ltda"),
        ("Österreichische Mühlen GmbH", "Österreichische Mühlen GmbH"),
        ("a Haddad Pty Ltd's account", "Haddad Pty Ltd"),
        ("Novak Sp. z o.o.", "Novak Sp. z o.o."), ("Petrov Maritime A/S", "Petrov Maritime A/S"),
        ("J. Okafor & Co. Ltd", "J. Okafor & Co. Ltd"), ("It is Yes. Kestrel Ltd", "Kestrel Ltd"),
        ("„Kestrel GmbH“", "Kestrel GmbH"), ("«Moreau SARL»", "Moreau SARL"), ("Kestrel Ltd’s", "Kestrel Ltd"),
        ("KESTREL MARINE GMBH", "KESTREL MARINE GMBH"), ("OpenAI Wexford Marine GmbH", "OpenAI Wexford Marine GmbH"),
        ("ЭЛЕКТРОТЕХНИЧЕСКАЯ Компания LLC", "ЭЛЕКТРОТЕХНИЧЕСКАЯ Компания LLC"),
        ("Royal Bank Of Great Northern Scotland And Wales Ltd", "Royal Bank Of Great Northern Scotland And Wales Ltd"),
        ("3rd party: Bramble Co., Ltd", "Bramble Co., Ltd"),
        ("Sons of the Whitfield Marine Corporation", "Whitfield Marine Corporation"),
        ("Vale of Kestrel Limited", "Vale of Kestrel Limited"),
        ("Wexford\u{A0}Marine\u{A0}GmbH", "Wexford\u{A0}Marine\u{A0}GmbH"),
    ])
    func companies(_ text: String, _ name: String) throws {
        #expect(try found(text, "name.company") == [name])
    }

    @Test(arguments: [
        "GmbH", "the GmbH", "our LLC", "time is limited", "an Inc", "incl. Ltd", "is a corporation", "10 KG",
        "The Limited",
        "Your Corporation", "GmbHs and LLCs", "Acme GmbHx", "acme gmbh", "Step A is done", "plan B. Then",
        "Use S.Amount",
        "Order AGxy", "Wexford. GmbH", "class FooLLC", "Eine GmbH", "Unsere GmbH zahlt", "Rechtsform GmbH",
        "Neuer Kunde GmbH",
        "Votre SARL", "Account Type LLC", "Select LLC or Corp", "Set Retry Count Inc By One",
        "Select Parent Corporation",
        "(LLC, Inc, Corp)", "Field A/S is optional", "Rate Limited", "Netto KG", "Issue Corp Card", "Google LLC",
        "Salesforce, Inc.", "Amazon Web Services, Inc.", "Microsoft Corporation",
    ])
    func noCompanies(_ text: String) throws {
        #expect(try found(text, "name.company", minimum: 0.01).isEmpty)
    }

    @Test(arguments: [
        ("https://wexford.zendesk.com/api/v2/tickets", "wexford.zendesk.com"),
        ("wexford--uat.sandbox.my.salesforce.com", "wexford--uat.sandbox.my.salesforce.com"),
        ("https://wexford-marine.my.salesforce.com/", "wexford-marine.my.salesforce.com"),
        ("see WEXFORD.atlassian.net.", "WEXFORD.atlassian.net"), ("wexford.us.auth0.com", "wexford.us.auth0.com"),
        ("{\"host\":\"wexford.app.n8n.cloud\"}", "wexford.app.n8n.cloud"),
        ("1234567.suitetalk.api.netsuite.com", "1234567.suitetalk.api.netsuite.com"),
        ("url=wexford.myshopify.com&x=1", "wexford.myshopify.com"),
        ("adb-1234567890.11.azuredatabricks.net", "adb-1234567890.11.azuredatabricks.net"),
        ("cflobdhpqwnoisuctsoc.supabase.co", "cflobdhpqwnoisuctsoc.supabase.co"),
    ])
    func tenants(_ text: String, _ host: String) throws {
        #expect(try found(text, "host.tenant") == [host])
    }

    @Test(arguments: [
        "https://api.slack.com/methods", "hooks.slack.com", "www.zendesk.com", "zendesk.com",
        "https://login.salesforce.com",
        "your-store.myshopify.com", "yourcompany.atlassian.net", "us02web.zoom.us", "{{ $json.host }}.zendesk.com",
        ".zendesk.com",
        "#{_('data.a.b')}.okta.com", "dana@wexford.zendesk.com", "config.slack.com(", "wexford.zendesk.community",
        "x.us.auth0.org",
        "hacker-news.firebaseio.com", "https://identity.pagerduty.com/oauth/token", "v3.recurly.com",
        "record.monday.com",
        "mycompanyname.zendesk.com", "eu1.freshdesk.com", "wexford.zendesk.com_x",
        "https://developers.pipedrive.com/docs",
    ])
    func noTenants(_ text: String) throws {
        #expect(try found(text, "host.tenant", minimum: 0.01).isEmpty)
    }

    /// A name that the host knows goes with the host it stands in.
    @Test func aKnownNameInAHost() throws {
        let known = try KnownIdentities(organizations: ["Northwind Traders"])
        let input = Array(#"["https://northwind-traders.zendesk.com", "Northwind Traders"]"#.utf8)
        let report = Scrubber().scrub(input, as: .plainJSON, for: .publicLibrary, knowing: known)
        #expect(try strings(output(report)) == ["https://company1.example", "Company 1"])
    }

    /// They go wherever they stand, also in text that is packed, and nothing is left of them.
    @Test func whatIsFoundGoes() throws {
        let packed = Base64URL.encode(Array("see https://wexford.zendesk.com/agent for more".utf8))
        let text =
            "{\"a\":\"the order of Northwind Traders Ltd. is late\",\"b\":\"https://wexford.zendesk.com/agent\",\"c\":\"\(packed)\","
            + "\"wexford.zendesk.com\":1}"
        let report = scrub(
            Array(text.replacingOccurrences(of: ",\"wexford.zendesk.com\":1", with: "").utf8), as: .plainJSON)
        guard case .publishable(let recipe) = report.verdict else {
            Issue.record("\(report.verdict)")
            return
        }
        let output = String(decoding: recipe.bytes, as: UTF8.self)
        #expect(output.contains("the order of Company 1 is late") && output.contains("https://company1.example/agent"))
        #expect(!output.contains("wexford") && !output.contains(packed))
        #expect(scrub(recipe.bytes, as: .plainJSON).findings.isEmpty)
        // Nothing can stand for a key.
        guard case .blocked = scrub(Array(text.utf8), as: .plainJSON).verdict else {
            Issue.record("a key was published")
            return
        }
    }
}
