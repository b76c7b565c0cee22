// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// The keys that providers publish the formats of: each by itself a secret, wherever it stands.
enum KeyRules {
    struct Rule: Sendable {
        let name: String
        let shape: KeyShape
        /// Whether it is one also behind a letter or a digit, as in `tokenghp_…`: no word has its prefix within it.
        let isDistinct: Bool
    }

    static let all: [Rule] = table.flatMap { provider, shapes in
        shapes.split(separator: " ").flatMap { shape -> [Substring] in
            // In upper case it opens nothing any more, and shows which it was.
            let upper = shape.prefix { $0 != "{" }.uppercased() + shape.drop { $0 != "{" }
            return shape.hasPrefix("~") && upper != shape ? [shape, Substring(upper)] : [shape]
        }.map { shape in
            let isDistinct = shape.hasPrefix("~")
            return Rule(
                name: "secret." + provider, shape: KeyShape(String(isDistinct ? shape.dropFirst() : shape)),
                isDistinct: isDistinct)
        }
    }

    /// Providers with the shapes of their keys; a `~` stands before those that no word has within it.
    private static let table: [(String, String)] = [
        ("1password", "A3-{u6}-{u11}-{u5}-{u5}-{u5} A3-{u6}-{u6}-{u5}-{u5}-{u5}-{u5} ~ops_eyJ{b250,}"),
        ("adobe", "~p8e-{w32}"), ("age", "~AGE-SECRET-KEY-1{u58}"), ("airtable", "pat{w14}.{x64}"),
        ("alibaba", "LTAI{w20}"),
        (
            "anthropic",
            "~sk-ant-api03-{t80,130} ~sk-ant-admin01-{t80,130} ~sk-ant-oat01-{t80,130} ~sk-ant-sid01-{t80,130} ~sk-ant-{t20,300}"
        ),
        ("artifactory", "AKCp{w69} cmVmd{w59}"), ("atlassian", "~ATATT3{s180,200} ~ATCTT3{s180,200} ~ATBB{w32}"),
        (
            "authress",
            "sc_{w5,30}.{w4,6}.acc_{t10,32}.{p30,120} sc_{w5,30}.{w4,6}.acc-{t10,32}.{p30,120} ext_{w5,30}.{w4,6}.acc_{t10,32}.{p30,120} ext_{w5,30}.{w4,6}.acc-{t10,32}.{p30,120} scauth_{w5,30}.{w4,6}.acc_{t10,32}.{p30,120} scauth_{w5,30}.{w4,6}.acc-{t10,32}.{p30,120} authress_{w5,30}.{w4,6}.acc_{t10,32}.{p30,120} authress_{w5,30}.{w4,6}.acc-{t10,32}.{p30,120}"
        ),
        (
            "aws",
            "A3T{u1}{B16} AKIA{B16} ASIA{B16} ABIA{B16} ACCA{B16} AKIA{u16} ASIA{u16} ABIA{u16} ACCA{u16} ABSK{b109,269} ~bedrock-api-key-{b28,2000}"
        ),
        ("clickhouse", "4b1d{w38}"), ("clojars", "~CLOJARS_{w60} ~clojars_{w60}"), ("cloudflare", "v1.0-{x24}-{x146}"),
        ("contentful", "~CFPAT-{t43}"),
        ("crates", "cio{w32}"), ("databricks", "dapi{x32}-{d1} dapi{x32}"), ("definednetworking", "~dnkey-{s26}-{s52}"),
        ("digitalocean", "~dop_v1_{X64} ~doo_v1_{X64} ~dor_v1_{X64} ~DOR_V1_{X64}"), ("docker", "~dckr_pat_{t27}"),
        (
            "doppler",
            "~dp.pt.{w40,44} ~dp.st.{e40,70} ~dp.ct.{w40,44} ~dp.sa.{w40,44} ~dp.scim.{w40,44} ~dp.audit.{w40,44}"
        ),
        ("duffel", "~duffel_test_{s43} ~duffel_live_{s43}"),
        ("dynatrace", "~dt0c01.{w24}.{w64} ~dt0s01.{w24}.{w64} ~dt0s02.{w8}.{w64}"),
        ("easypost", "EZAK{w54} EZTK{w54}"), ("facebook", "EAAM{w100,400} EAAC{w100,400} EAA{w150,400}"),
        ("figma", "~figd_{t38,48}"),
        (
            "flutterwave",
            "~FLWPUBK_TEST-{w32}-X ~FLWSECK_TEST-{w32}-X ~FLWPUBK-{w32}-X ~FLWSECK-{w32}-X ~FLWSECK_TEST-{w12} ~FLWSECK_TEST{w12}"
        ),
        ("fly", "fo1_{t43} fm1a_{b100,2000} fm1r_{b100,2000} fm2_{b100,2000}"), ("frameio", "~fio-u-{s64}"),
        ("github", "~ghp_{w36,255} ~gho_{w36,255} ~ghu_{w36,255} ~ghs_{w36,255} ~ghr_{w36,255} ~github_pat_{t36,255}"),
        (
            "gitlab",
            "~glcbt-{w1,5}_{t20,64} ~gldt-{t20,300} ~glffct-{t20,300} ~glft-{t20,300} ~glimt-{t25,300} ~glagent-{t50,300} ~gloas-{t64,300} ~glpat-{t27,300}.{w9} ~glpat-{e20,300} ~glptt-{x40} ~glrt-{e20,300} ~glrtr-{t20,300} ~glsoat-{t20,300} GR1348941{t20} _gitlab_session={w32}"
        ),
        ("google", "AIza{t35} GOCSPX-{t24,40} ya29.{e20,1000} 1//0{t40,200}"),
        ("grafana", "eyJrIjoi{b70,400} ~glc_{b32,400} ~glsa_{w32}_{X8}"), ("groq", "~gsk_{w40,64}"),
        ("harness", "pat.{t22}.{w24}.{w20} sat.{t22}.{w24}.{w20}"),
        ("heroku", "~HRKU-AA{t58} ~HRKU-{t36}"),
        ("hubspot", "~pat-na1-{t36} ~pat-eu1-{t36} ~pat-na2-{t36} ~pat-ap1-{t36}"),
        ("huggingface", "hf_{w30,40} ~api_org_{w34}"),
        ("infracost", "ico-{w32}"), ("intra42", "~s-s4t2ud-{X64} ~s-s4t2af-{X64}"),
        ("linear", "~lin_api_{w40} ~lin_oauth_{w40,80}"),
        ("mailgun", "key-{X32} pubkey-{X32}"),
        ("mapbox", "pk.{w60}.{w22} sk.{w60}.{w22} pk.eyJ{t40,120}.{t20,40} sk.eyJ{t40,120}.{t20,40}"),
        ("netlify", "~nfp_{w36,44}"),
        ("newrelic", "~NRAK-{w27} ~NRJS-{X19} ~NRII-{t32} NRRA-{X42}"), ("notion", "~ntn_{d11}{w35} secret_{w43}"),
        ("npm", "npm_{w36} NPM_{w36}"), ("nuget", "oy2{w43}"),
        ("octopus", "API-{u26}"),
        ("openai", "sk-proj-{t20,300} sk-svcacct-{t20,300} sk-admin-{t20,300} sk-None-{t20,300} sk-{w32,64}"),
        ("openrouter", "~sk-or-v1-{t20,300}"),
        ("openshift", "~sha256~{t43}"), ("perplexity", "~pplx-{w40,64}"),
        (
            "plaid",
            "~access-sandbox-{X8}-{X4}-{X4}-{X4}-{X12} ~access-development-{X8}-{X4}-{X4}-{X4}-{X12} ~access-production-{X8}-{X4}-{X4}-{X4}-{X12}"
        ),
        (
            "planetscale",
            "~pscale_pw_{e32,64} ~pscale_tkn_{e32,64} ~pscale_oauth_{e32,64} ~PSCALE_PW_{e32,64} ~PSCALE_TKN_{e32,64}"
        ), ("postman", "~PMAK-{X24}-{X34}"),
        ("prefect", "pnu_{w36} pnb_{w36}"), ("pulumi", "pul-{x40}"),
        ("pypi", "~pypi-AgEIcHlwaS5vcmc{t50,1000} ~pypi-AgENdGVzdC5weXBpLm9yZw{t50,1000}"), ("readme", "~rdme_{w70}"),
        ("render", "rnd_{w28,40}"), ("replicate", "r8_{w37}"), ("resend", "re_{w8}_{w24}"),
        ("rubygems", "~rubygems_{X48}"), ("scalingo", "~tk-us-{t48}"), ("sendgrid", "SG.{e60,80}"),
        ("brevo", "~xkeysib-{x64}-{w16} ~xsmtpsib-{x64}-{w16}"),
        (
            "sentry",
            "~sntrys_eyJ{b20,500}={b0,2}_{b43} ~sntrys_eyJ{b20,500}_{b43} ~sntrys_eyJ{b20,500}==_{b43} ~sntryu_{X64}"
        ),
        ("settlemint", "~sm_aat_{w16} ~sm_pat_{w16} ~sm_sat_{w16}"),
        ("shippo", "~shippo_live_{X40} ~shippo_test_{X40}"),
        ("shopify", "~shpat_{X32} ~shpss_{X32} ~shpca_{X32} ~shppa_{X32}"),
        (
            "slack",
            "~xoxb-{t20,255} ~xoxp-{t20,255} ~xoxa-{t8,255} ~xoxr-{t8,255} ~xoxs-{t14,255} ~xoxo-{t14,255} ~xoxe-{t20,255} ~xoxc-{t20,255} ~xoxd-{p20,400} ~xapp-{t20,255} ~XAPP-{t20,255} ~xoxe.xoxb-{t20,255} ~xoxe.xoxp-{t20,255} ~XOXE.XOXB-{t20,255} ~XOXE-{t20,255} ~hooks.slack.com/services/{b30,120} ~hooks.slack.com/workflows/{b30,120} ~hooks.slack.com/triggers/{b30,120}"
        ),
        ("sonar", "~squ_{w40} ~sqp_{w40} ~sqa_{w40}"), ("sourcegraph", "~sgp_{X16}_{X40} ~sgp_local_{X40} ~sgp_{X40}"),
        ("square", "EAAA{t22,60} sq0atp-{t22,60} sq0csp-{t43}"),
        (
            "stripe",
            "sk_test_{w10,247} sk_live_{w10,247} sk_prod_{w10,247} rk_test_{w10,247} rk_live_{w10,247} rk_prod_{w10,247} whsec_{w16,247}"
        ), ("supabase", "~sbp_{X40} ~sb_secret_{t20,60}"),
        ("teams", "webhook.office.com/webhookb2/{a60,300}"),
        (
            "discord",
            "discord.com/api/v{d1,2}/webhooks/{d17,20}/{t60,80} discord.com/api/webhooks/{d17,20}/{t60,80} discordapp.com/api/webhooks/{d17,20}/{t60,80}"
        ),
        ("zapier", "hooks.zapier.com/hooks/catch/{d5,12}/{w5,12}"),
        (
            "make",
            "hook.eu1.make.com/{w20,40} hook.eu2.make.com/{w20,40} hook.us1.make.com/{w20,40} hook.us2.make.com/{w20,40} hook.integromat.com/{w20,40}"
        ),
        (
            "webhook",
            "~/webhook/{X8}-{X4}-{X4}-{X4}-{X12} ~/webhook-test/{X8}-{X4}-{X4}-{X4}-{X12} ~workato.com/webhooks/rest/{t20,60}/{t1,100} ~maker.ifttt.com/trigger/{t1,60}/with/key/{t20,60}"
        ),
        ("tavily", "~tvly-{t20,60}"), ("pinecone", "~pcsk_{t40,90}"), ("posthog", "phx_{w40,60}"),
        ("apify", "~apify_api_{w36,40}"), ("n8n", "~n8n_api_{w32,64}"), ("vercel", "~vercel_blob_rw_{t20,80}"),
        ("firecrawl", "fc-{x32}"), ("putty", "~PuTTY-User-Key-File-{d1}:"),
        ("trello", "~ATTA{X64}"), ("twilio", "SK{X32}"), ("typeform", "~tfp_{e40,70}"),
        ("vault", "~hvb.{t90,300} ~hvs.{t24,200} ~hvr.{t24,300} s.{w24}"), ("xai", "~xai-{w70,90}"),
        (
            "yandex",
            "AQVN{t35,38} YCAJ{t36} YCM{t37} YCN{t37} YCO{t37} YCP{t37} t1.{t10,200}.{t86} t1.{t10,200}={b0,1}.{t86} t1.{t10,200}==.{t86}"
        ),
        (
            "jwt",
            "eyJ{t10,1000000}.eyJ{t14,1000000}.{t10,1000000} eyJ{t10,1000000}.eyJ{t14,1000000}. ey{w17,1000000}.ey{t17,1000000}.{t10,1000000} ey{w17,1000000}.ey{t17,1000000}. eyJ{t14,1000000}..{t10,400}.{t10,1000000}.{t10,400} eyJ{t20,1000000}.{t20,1000000}.{t10,400}.{t10,1000000}.{t10,400}"
        ),
    ]

    static let byFirstByte: [[Rule]] = {
        var table = [[Rule]](repeating: [], count: 256)
        for rule in all { table[Int(rule.shape.prefix[0])].append(rule) }
        return table
    }()

    /// A bit for each pair of bytes that a key, or a stand-in, begins with.
    static let beginnings: [UInt64] = {
        var marks = [UInt64](repeating: 0, count: 1024)
        for prefix in all.map(\.shape.prefix) + [RecipeParameter.prefix] {
            let pair = Int(prefix[0]) << 8 | Int(prefix[1])
            marks[pair >> 6] |= 1 << UInt64(pair & 63)
        }
        return marks
    }()

    /// Bytes of the shortest key.
    static let shortest = all.map(\.shape.shortest).min() ?? 0

    /// The longest key that begins at a position.
    static func longest(in text: [UInt8], at position: Int) -> (name: String, prefix: Int, end: Int)? {
        guard position + 1 < text.count else { return nil }
        let pair = Int(text[position]) << 8 | Int(text[position + 1])
        guard beginnings[pair >> 6] & 1 << UInt64(pair & 63) != 0 else { return nil }
        let before = position > 0 ? text[position - 1] : 0
        var best: (name: String, prefix: Int, end: Int)?
        for rule in byFirstByte[Int(text[position])] where mayStand(rule, behind: before) {
            guard var end = rule.shape.end(in: text, from: position) else { continue }
            // A sign at the end is the sentence's.
            let start = position + rule.shape.shortest
            while end > start, text[end - 1] == 46 || text[end - 1] == 45 { end -= 1 }
            // More letters would make it another word; digits right behind it would be read as those of its stand-in.
            while end < text.count, text[end].isDigit { end += 1 }
            guard rule.isDistinct || end == text.count || !text[end].isLetter || rule.shape.shortest > 60 else {
                continue
            }
            if end > best?.end ?? 0 { best = (rule.name, rule.shape.prefix.count, end) }
        }
        return best
    }

    static func mayStand(_ rule: Rule, behind byte: UInt8) -> Bool {
        if rule.isDistinct { return true }
        // A long one is not looked for from each of its own parts.
        if rule.name == "secret.jwt" { return !byte.isWordByte && byte != UInt8(ascii: "-") }
        guard byte.isAlphanumeric else { return byte != UInt8(ascii: "/") || rule.name != "secret.octopus" }
        // `AKIA` behind a word in lower case; `sk_live_` behind all that makes no word of it, as `task_test_`.
        switch rule.name {
        case "secret.aws": return !byte.isUpper && !byte.isDigit
        case "secret.stripe": return !"aeiou".utf8.contains(byte | 0x20)
        default: return false
        }
    }
}
