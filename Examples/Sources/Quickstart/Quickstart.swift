// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReevePublishing
import ReeveVault

/// Takes a recipe through every room and says what happened at each step.
@main
struct Quickstart {
    static func main() async {
        do {
            try await Quickstart(CommandLine.arguments).run()
        } catch let failure as UserFailure {
            fail(failure.description)
        } catch {
            fail("\(error)")
        }
    }

    private static func fail(_ line: String) -> Never {
        FileHandle.standardError.write(Data("error: \(line)\n".utf8))
        exit(1)
    }

    private let recipe: RecipeFile
    private let output: OutputFolder
    private let messages = Messages()
    private var store: StoreChoice?

    init(_ given: [String]) throws {
        var arguments = given
        if let index = arguments.firstIndex(of: "--store") {
            guard index + 1 < arguments.count else { throw Self.usage }
            store = try StoreChoice(arguments[index + 1])
            arguments.removeSubrange(index...(index + 1))
        }
        guard arguments.count <= 3, !arguments.dropFirst().contains(where: { $0.hasPrefix("--") }) else {
            throw Self.usage
        }
        let fixture = Bundle.module.url(forResource: "Fixtures/order-follow-up.recipe", withExtension: "json")
        guard let path = arguments.count > 1 ? arguments[1] : fixture?.path else {
            throw UserFailure("the example's own recipe is missing; build it again")
        }
        recipe = try RecipeFile(path: path)
        output = try OutputFolder(path: arguments.count > 2 ? arguments[2] : "reeve-demo")
    }

    private static let usage = UserFailure(
        "usage: Quickstart [recipe.json] [output folder] [--store memory|sqlite:PATH|postgres:CONNECTION]")

    func run() async throws {
        let retention = RetentionSchedule(rules: [
            RetentionRule(
                category: try known(DataCategory("content.message")), days: 90,
                clause: try known(ClauseReference("P11.5")))
        ])
        let now = SystemTime().now
        let workspace = Identifier<Workspace>(at: now)
        let scope = Scope(workspace, .production)
        // This program may do everything it shows, in production; Dana develops, in development.
        let me = ActContext.Actor.host("quickstart")
        let dana = ActContext.Actor.person(Identifier(at: now))
        let roles: [RoleName] = ["owner", "developer", "publisher"]
        var grants = roles.map { Grant($0, to: Principal(me), in: .scope(scope), reason: "the example itself") }
        grants.append(Grant("privacyOfficer", to: Principal(me), in: .scope(.platform), reason: "answers requests"))
        grants.append(
            Grant(
                "developer", to: Principal(dana), in: .scope(Scope(workspace, .development)), reason: "builds recipes"))
        let trust = try await TrustLayer.inMemory(
            policy: AccessPolicy(grants: grants), by: me, reason: "an example", locations: [messages],
            configuration: .init(retention: retention))
        // The input is judged before anything is shown, so that a bad one costs one line.
        let format = recipe.format
        let report = trust.publisher.scrubber.scrub(recipe.bytes, as: format, for: .publicLibrary)
        if case .blocked(.malformed(let error)) = report.verdict { throw UserFailure("`\(recipe.name)`: \(error)") }

        let context = ActContext(actor: me, scope: scope)

        try await keepCredential(trust, context, now, dana)
        heading("2  The main key changes, and a workspace is shredded")
        try await KeyStory().tell()
        try await countTasks(trust, scope, now)
        heading("4  From a proof of concept to a customer")
        try await PlanStory().tell()
        try await publish(report, trust, context)
        heading("6  What may personal data be used for?")
        try await PrivacyStory().tell()
        try await askRetention(trust, context, now)
        heading("8  A customer leaves")
        try await DepartureStory().tell()
        try await readTrail(trust, context)
        guard let store else { return }
        heading("10  What outlives this program")
        try await StoreStory(choice: store).tell()
    }

    private func keepCredential(
        _ trust: TrustLayer, _ context: ActContext, _ now: Timestamp, _ dana: ActContext.Actor
    ) async throws {
        heading("1  A credential under a hierarchy of keys")
        let connector = Connector(id: Identifier(at: now), name: "salesforce", methods: [.oauth2, .apiKey])
        let connection = Connection(id: Identifier(at: now), connector: connector.id, scope: context.scope)
        let resource = Resource.credential(of: connection.id)
        let credential = try Credential.oauth2(accessToken: SecretBytes.random(count: 32))
        let receipt = try await trust.vault.store(
            credential, for: connection, of: connector,
            trust.access.permit(StoreCredential.self, on: resource, as: context).get())
        say("keys made", "environment key \(receipt.keysMade[0]) under the main key")
        say("", "connection key \(receipt.keysMade[1]) under the environment key")
        let permit = try await trust.access.permit(OpenCredential.self, on: resource, as: context).get()
        let count = try await trust.vault.withCredential(connection.id, permit) { secret in
            secret.withField("access_token") { $0.byteCount } ?? 0
        }
        say("opened again", "\(connection.id): the app was lent \(count) bytes")
        try await explain(trust, OpenCredential.self, context)
        let other = ActContext(actor: dana, scope: context.scope)
        let refusal = await trust.access.permit(OpenCredential.self, on: resource, as: other)
        guard case .failure(let denial) = refusal else { throw UserFailure("Dana opened a credential in production") }
        say("Dana refused", "\(denial)")
        if let explanation = denial.explanation { say("because", "\(explanation)") }
    }

    /// Says why this program was granted what it did.
    private func explain<Action: PermitAction>(
        _ trust: TrustLayer, _ action: Action.Type, _ context: ActContext
    ) async throws {
        let permission = try known(Permission(Action.permission))
        let request = AccessRequest(context.actor, permission, in: context.scope, at: SystemTime().now)
        if let policy = try await trust.access.policy() { say("allowed", "\(policy.decide(request).explanation)") }
    }

    private func countTasks(_ trust: TrustLayer, _ scope: Scope, _ now: Timestamp) async throws {
        heading("3  Tasks against the trial plan")
        let company = Company(id: Identifier(at: now), status: .proofOfConcept)
        try await trust.plans.setStatus(company, sequence: 1)
        let job = Job(id: Identifier(at: now), recipe: Recipe(id: Identifier(at: now), version: 1), scope: scope)
        let admission = try await trust.tasks.admit(job, of: company.id, tasks: 10)
        say("admitted", "\(admission.job) for 10 tasks; it used 7")
        admission.commit(used: 7)
        try await trust.runOnce()
        let allowance = try await trust.plans.allowance(of: company.id)
        say("plan", "\(allowance.plan): \(allowance.remaining) of \(allowance.limit) tasks left")
        say("resets", "\(allowance.resetsAt)")
    }

    private func publish(_ report: ScrubReport, _ trust: TrustLayer, _ context: ActContext) async throws {
        heading("5  Personal data out of \(recipe.name) (read as \(recipe.format.name))")
        print(findingsTable(report.findings))
        say("verdict", report.summary)
        let page = Array(report.html(title: "\(recipe.name): what was taken out").utf8)
        guard case .publishable(let scrubbed) = report.verdict else {
            let paths = try output.write([(recipe.reportName, page)])
            say("report", paths[0])
            throw UserFailure("`\(recipe.name)` is not publishable: \(report.summary)")
        }
        let permit = try await trust.access.permit(PublishRecipe.self, on: .recipe(scrubbed.digest), as: context).get()
        let publication = try await trust.publisher.publish(scrubbed, to: .publicLibrary, permit)
        let bytes = try await trust.publisher.bytes(of: publication, in: context.scope)
        let paths = try output.write([(recipe.scrubbedName, bytes), (recipe.reportName, page)])
        say("published", "\(publication.id) with digest \(publication.digest)")
        say("scrubbed file", paths[0])
        say("report", paths[1])
    }

    private func askRetention(_ trust: TrustLayer, _ context: ActContext, _ now: Timestamp) async throws {
        heading("7  May this be deleted?")
        let category = try known(DataCategory("content.message"))
        let subject = Identifier<DataSubject>(at: now)
        let message = RetainedRecord(
            id: Identifier(at: now), category: category, created: now.day.advanced(byDays: -100), as: .controller,
            about: subject, at: [messages.name])
        messages.add("when will my order arrive?", as: message.id, about: subject)
        try await trust.retention.register(message, as: context)
        say("a message", "kept since \(message.created): \(try await answer(trust, message.id, context.scope))")
        let hold = Identifier<LegalCase>(at: now)
        let permit = try await trust.access.permit(ChangeHold.self, on: .record(message.id), as: context).get()
        try await trust.retention.placeHold(hold, on: message.id, permit)
        say("with a hold", try await answer(trust, message.id, context.scope))
        try await trust.retention.releaseHold(hold, on: message.id, permit)
        let receipts = try await trust.retention.erase(message.id, as: context)
        say("released", receipts.map { "\($0.outcome) at \($0.location)" }.joined())
        let recent = RetainedRecord(
            id: Identifier(at: now), category: category, created: now.day, as: .controller, about: subject,
            at: [messages.name])
        messages.add("thank you", as: recent.id, about: subject)
        try await trust.retention.register(recent, as: context)
        say("a newer one", try await answer(trust, recent.id, context.scope))
        try await answerRequest(trust, context, subject)
    }

    /// The subject asks to see what there is, and is answered in time.
    private func answerRequest(
        _ trust: TrustLayer, _ context: ActContext, _ subject: Identifier<DataSubject>
    ) async throws {
        let asked = try await trust.requests.receive(.access, about: subject, through: .account, as: context)
        for deadline in trust.requests.deadlines(of: asked) {
            say("access asked", "to be answered by \(deadline.day) (\(deadline.basis))")
        }
        _ = try await trust.requests.note(.begun, of: asked.id, as: context)
        let officer = ActContext(actor: context.actor, scope: .platform)
        let permit = try await trust.access.permit(AnswerRequest.self, on: Resource(asked.id), as: officer).get()
        let answer = try await trust.requests.answer(asked.id, permit)
        say("answered", "\(answer.request.status), \(answer.export?.items.count ?? 0) records in the export")
    }

    private func readTrail(_ trust: TrustLayer, _ context: ActContext) async throws {
        heading("9  What the audit trail says")
        try await trust.runOnce()
        let permit = try await trust.access.permit(ReadAudit.self, on: .log(of: context.scope), as: context).get()
        let page = try await trust.audit.entries(of: context.scope, permit)
        for line in page.entries {
            guard let entry = line.entry else { continue }
            say("\(line.index) \(entry.outcome.rawValue)", "\(entry.action) on \(entry.resource.prefix(40))")
        }
        guard let note = page.checkpoint, let last = page.entries.last else { throw UserFailure("nothing was signed") }
        let proof = try await trust.audit.proof(of: last.index, in: context.scope, permit)
        say("proof", "entry \(last.index) is in the log by \(proof.hashes.count) hashes and this checkpoint:")
        for line in String(decoding: note.bytes, as: UTF8.self).split(separator: "\n") { print("      \(line)") }
    }

    private func answer(_ trust: TrustLayer, _ id: Identifier<DataRecord>, _ scope: Scope) async throws -> String {
        let disposition = try await trust.retention.disposition(of: id, in: scope)
        let next = disposition.nextChange.map { ", must go on \($0)" } ?? ""
        return switch disposition.kind {
        case .mustKeep: "must be kept: a legal hold"
        case .mayKeep: "may be kept\(next)"
        case .mustDelete: "must be deleted now (clause P11.5)"
        case .noRule: "no rule: kept and reported"
        }
    }

    private func findingsTable(_ findings: [ScrubFinding]) -> String {
        guard !findings.isEmpty else { return "   nothing found" }
        let width = findings.map(\.path.description.count).max() ?? 0
        return findings.map { finding in
            "   \(finding.path.description.padding(toLength: width + 2, withPad: " ", startingAt: 0))"
                + finding.kind.rawValue.padding(toLength: 14, withPad: " ", startingAt: 0) + finding.action.rawValue
        }.joined(separator: "\n")
    }
}

func heading(_ text: String) { print("\n\(text)") }

func say(_ label: String, _ text: String) {
    print("   \(label.padding(toLength: 15, withPad: " ", startingAt: 0))\(text)")
}
