// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Providers whose keys have nothing by which they could be told: the name that they are given to tells.
enum ProviderWords {
    /// Whether a value has the shape of a key of a provider that a name speaks of.
    static func isKey(_ value: ArraySlice<UInt8>, named words: [String]) -> String? {
        for word in words {
            if let shapes = table[word], shapes.contains(where: { $0.isAll(of: value) }) { return word }
        }
        return nil
    }

    /// The words of all of them.
    static var all: some Sequence<String> { table.keys }

    /// Whether one of some words is a provider's.
    static func isProvider(_ words: [String]) -> Bool { words.contains { table[$0] != nil } }

    private static let uuid = "{X8}-{X4}-{X4}-{X4}-{X12}"

    private static let table: [String: [KeyShape]] = {
        let lines: [(String, String)] = [
            ("adafruit", "{t32}"), ("adobe", "{X32}"), ("airtable", "{w17}"), ("algolia", "{w32}"),
            ("alibaba aliyun", "{w30}"), ("asana", "{d16} {w32}"),
            ("atlassian confluence jira", "{w24}"), ("bitbucket", "{w32} {s64}"), ("bittrex", "{w32}"),
            ("beamer", "b_{s44}"), ("codecov", "{w32}"),
            ("coinbase", "{t64}"), ("cloudflare", "{t40} {X37}"), ("cohere", "{w40}"), ("confluent", "{w16} {w64}"),
            ("contentful", "{s43}"), ("datadog dd", "{w40} {X32}"),
            ("discord", "{X64} {d18} {d19} {s32} {t24,28}.{t6}.{t27,40}"),
            ("dropbox", "{w15} sl.{s130,300} {w11}AAAAAAAAAA{s43}"), ("drone droneci", "{w32}"), ("etsy", "{w24}"),
            ("facebook", "{X32}"), ("fastly", "{s32}"), ("finicity", "{w20} {X32}"), ("flickr", "{w32}"),
            ("finnhub", "{w20}"), ("freshbooks", "{w64}"),
            ("gocardless", "live_{s40} sandbox_{s40}"), ("gitter", "{t40}"), ("heroku", uuid), ("hubspot", uuid),
            ("intercom", "{s60}"), ("jfrog artifactory bintray xray", "{w73} {w64}"),
            ("kraken", "{p80,90}"), ("kucoin", "{X24} \(uuid)"), ("launchdarkly", "{s40}"), ("linear", "{X32}"),
            ("linkedin", "{w14} {w16}"), ("lob", "live_{X35} test_{X35} live_pub_{X31} test_pub_{X31}"),
            ("looker", "{w20} {w24}"), ("mailchimp mailchimpsdk", "{X32}-us{d1,2}"),
            ("mailgun", "pubkey-{X32} key-{X32} {w32}-{w8}-{w8}"), ("mapbox", "pk.{w60}.{w22}"),
            ("mattermost", "{w26}"),
            ("meraki", "{X40}"), ("messagebird", "{w25} \(uuid)"), ("netlify", "{s40,46}"), ("newrelic", "{w64} {X40}"),
            ("nytimes newyorktimes", "{s32}"), ("okta", "00{s40}"),
            ("plaid", "{w24} {w30}"), ("privateai", "{w32}"), ("rapidapi", "{t50}"), ("sendbird", "\(uuid) {X40}"),
            ("sentry", "{X64}"), ("sidekiq contribsys bundleenterprise bundlegems", "{X8}:{X8}"),
            ("snyk", uuid), ("sonar", "{s40}"), ("sourcegraph", "{X40}"), ("squarespace", uuid),
            ("sumo sumologic", "su{w12} {w64}"), ("telegram telegr", "{d5,16}:A{t34}"), ("travis travisci", "{w22}"),
            ("twitch", "{w30}"), ("twitter", "{w25} {w50} {d15,25}-{w20,40} {w45} AAAAAAAAAAAAAAAAAAAAAA{e80,120}"),
            ("typeform", "tfp_{e59}"), ("yandex", "AQVN{t35,38} YC{t38}"), ("zendesk", "{w40}"),
            ("aws amazon", "{p40}"), ("azure", "{p86}== {p43}="), ("twilio", "{X32}"), ("stripe", "{w24,64}"),
            ("slack", "{X32}"), ("github", "{X40}"), ("gitlab", "{t20}"), ("google", "{t24}"),
            ("salesforce", "{w24} {d18,19}"),
            ("shopify", "{X32}"), ("trello", "{X32} {X64}"), ("zoom", "{w22} {w32}"), ("pagerduty", "{t20}"),
            ("jotform", "{X32}"), ("pipedrive", "{X40}"), ("activecampaign", "{X72}"), ("clearbit", "sk_{X32}"),
            ("calendly", "{t40,400}"), ("monday", "{e100,400}"), ("segment", "{w32}"), ("amplitude", "{X32}"),
            ("mixpanel", "{X32}"), ("bugsnag", "{X32}"), ("rollbar", "{X32}"), ("braintree", "{X32}"),
            ("paypal", "{t80}"),
        ]
        var table: [String: [KeyShape]] = [:]
        for (words, shapes) in lines {
            let all = shapes.split(separator: " ").map { KeyShape(String($0)) }
            for word in words.split(separator: " ") { table[String(word), default: []] += all }
        }
        return table
    }()
}
