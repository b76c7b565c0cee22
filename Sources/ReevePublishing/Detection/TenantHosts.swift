// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Hosts that a service gives each of its customers: they say who the customer is, as an address of one of its people does.
///
/// The endings are those that the services document. What stands before one and is the service's own, or stands for any customer, is none.
/// Complexity: O(bytes).
enum TenantHosts {
    /// What follows a customer's own part.
    private static let endings: Set<String> = [
        "my.salesforce.com", "lightning.force.com", "my.site.com", "my.salesforce-sites.com", "zendesk.com",
        "atlassian.net", "myshopify.com", "freshdesk.com", "freshservice.com", "myfreshworks.com", "okta.com",
        "oktapreview.com", "auth0.com", "us.auth0.com", "eu.auth0.com", "au.auth0.com", "onelogin.com",
        "service-now.com", "sharepoint.com", "onmicrosoft.com", "slack.com", "bamboohr.com", "myworkday.com",
        "myworkdayjobs.com", "app.netsuite.com", "suitetalk.api.netsuite.com", "restlets.api.netsuite.com",
        "quickbase.com", "pipedrive.com", "snowflakecomputing.com", "azuredatabricks.net", "cloud.databricks.com",
        "azurewebsites.net", "blob.core.windows.net", "vault.azure.net", "database.windows.net", "openai.azure.com",
        "search.windows.net", "crm.dynamics.com", "crm4.dynamics.com", "mktorest.com", "supabase.co",
        "firebaseio.com", "app.n8n.cloud", "monday.com", "recurly.com", "chargebee.com", "coupahost.com",
        "egnyte.com", "splunkcloud.com", "pagerduty.com", "activehosted.com", "infusionsoft.com", "kintone.com",
        "cybozu.com", "hana.ondemand.com", "docebosaas.com", "herokuapp.com", "vercel.app", "netlify.app",
        "onrender.com", "workers.dev", "up.railway.app", "ngrok.io", "ngrok-free.app", "ngrok.app",
        "trycloudflare.com",
    ]
    /// The last label but one of each ending: most names with dots have another.
    private static let marks = WordSet(
        Set(endings.compactMap { $0.split(separator: ".").dropLast().last.map(String.init) }))

    /// What stands before an ending and is nobody's.
    private static let services: Set<String> = [
        "www", "api", "app", "apps", "login", "auth", "oauth", "id", "account", "accounts", "admin", "developer",
        "developers", "doc", "docs", "apidocs", "help", "support", "status", "community", "static", "cdn", "assets",
        "media", "images", "files", "hooks", "hook", "events", "edgeapi", "wss-primary", "join", "get", "go", "my",
        "mail", "blog", "news", "learn", "marketplace", "store", "partners", "portal", "console", "dashboard", "manage",
        "cloud", "public", "system", "create", "view", "upload", "mcp", "hi", "training", "us", "eu", "au", "global",
        "hacker-news", "contoso", "fabrikam", "identity", "v1", "v2", "v3", "v4", "trust", "security", "investor",
        "investors", "engineering", "careers", "jobs", "download", "downloads", "dev-docs", "edge", "wss-mobile",
        "storename", "domainname", "obj", "object", "record", "row", "item", "items", "data", "json", "input", "output",
        "event", "result", "response", "request", "config", "settings", "params", "step", "body", "user", "self",
        "this",
        "westeurope", "northeurope", "eastus", "westus", "eastus2", "westus2", "centralus",
        "demo", "test", "testing", "staging", "example", "sample", "tenant", "company", "companyname", "mycompany",
        "yourcompany", "customer", "subdomain", "domain", "yourdomain", "mydomain", "instance", "yourinstance",
        "project", "workspace", "site", "shop", "name", "org", "organization", "host", "hostname", "foo", "bar", "xxx",
        "xxxx", "abc",
    ]

    private static let placeholders = [
        "your", "my-", "mycompany", "mystore", "mydomain", "myorg", "mytenant", "mysite", "myapp", "myshop",
        "myinstance",
        "myteam", "example", "sample", "xxx",
    ]
    /// Bytes of the longest name of a host (RFC 1035).
    private static let longest = 253
    private static let regions: Set<String> = ["us", "eu", "ap", "au", "na", "uk"]

    static func scan(_ text: [UInt8], _ found: inout Detected) {
        var (hosts, end): ([Range<Int>], Int) = ([], 0)
        for position in text.indices where position >= end && text[position] == UInt8(ascii: ".") {
            guard mayEnd(behind: position, before: text.count, { text[$0] }) else { continue }
            let run = run(text, around: position)
            end = run.upperBound
            if let host = host(text, run) { hosts.append(host) }
        }
        guard !hosts.isEmpty else { return }
        // A name in one that is known goes with it.
        found.matches.removeAll { match in
            guard match.kind == .organization || match.kind == .domain else { return false }
            let next = hosts.firstIndex(notBefore: { $0.upperBound < match.range.upperBound })
            return next < hosts.count && hosts[next].lowerBound <= match.range.lowerBound
        }
        found.matches += hosts.map { Match(kind: .domain, range: $0, score: 0.7, rule: "host.tenant") }
    }

    /// Whether the label behind a dot is the last but one of an ending.
    static func mayEnd(behind dot: Int, before end: Int, _ byte: (Int) -> UInt8) -> Bool {
        var (hash, position) = (WordSet.seed, dot + 1)
        while position < end {
            let letter = byte(position)
            guard letter.isAlphanumeric || letter == UInt8(ascii: "-") else {
                return letter == UInt8(ascii: ".") && marks.contains(hash)
            }
            hash = WordSet.hash(hash, with: letter.isUpper ? letter | 0x20 : letter)
            position += 1
        }
        return false
    }

    /// What could be a host and has a dot at a position: letters, digits, dashes and dots.
    private static func run(_ text: [UInt8], around dot: Int) -> Range<Int> {
        func isPart(_ byte: UInt8) -> Bool {
            byte.isAlphanumeric || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
        var (start, end) = (dot, dot)
        while start > 0, dot - start < longest, isPart(text[start - 1]) { start -= 1 }
        while end < text.count, end - start < longest, isPart(text[end]) { end += 1 }
        return start..<end
    }

    /// The host of a tenant that is all of a run; `nil` when that is none.
    private static func host(_ text: [UInt8], _ run: Range<Int>) -> Range<Int>? {
        // What ends a sentence is no part of it.
        let end = text[run].lastIndex(where: \.isAlphanumeric).map { $0 + 1 } ?? run.lowerBound
        // `name@host` is an address, and `x.y.com(` a call.
        let before = run.lowerBound > 0 ? text[run.lowerBound - 1] : 0x20
        let after = end < text.count ? text[end] : 0x20
        guard before != UInt8(ascii: "@"), before != UInt8(ascii: "$"), !before.isWordByte, !after.isWordByte,
            after != UInt8(ascii: "(")
        else { return nil }
        let labels = text[run.lowerBound..<end].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self).lowercased() }
        // The longest ending that it has.
        for count in stride(from: min(4, labels.count - 1), through: 2, by: -1)
        where endings.contains(labels.suffix(count).joined(separator: ".")) {
            // Under the host of a service's interface the tenant is the label before it.
            let own = labels.dropLast(count)
            guard isTenant(own.last == "api" && own.count > 1 ? own[own.count - 2] : own.last ?? "") else { return nil }
            return (labels.first?.isEmpty ?? true ? run.lowerBound + 1 : run.lowerBound)..<end
        }
        return nil
    }

    private static func isTenant(_ label: String) -> Bool {
        let region = label.prefix { !$0.isNumber }
        let isRegion = regions.contains(String(region)) && label.count <= region.count + 5
        return !label.isEmpty && !isRegion && !services.contains(label)
            && !placeholders.contains { label.hasPrefix($0) }
    }
}
