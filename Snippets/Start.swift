// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

// Keeps a credential, runs a job on a plan, and takes a recipe's personal data out: the README's example.

import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReevePublishing
import ReeveVault

@main
struct Start {
    static func main() async throws {
        // snippet.show
        let trust = try await TrustLayer.inMemory(operator: .host("my-app"), reason: "trial")
        let scope = Scope(Identifier<Workspace>(at: SystemTime().now), .production)
        let me = ActContext(actor: .host("my-app"), scope: scope)

        // A credential, sealed under the connection's own key, opened by permit.
        let crm = Connector(id: Identifier(at: SystemTime().now), name: "crm", methods: [.oauth2])
        let connection = Connection(id: Identifier(at: SystemTime().now), connector: crm.id, scope: scope)
        let token = try Credential.oauth2(accessToken: SecretBytes(copying: Array("token".utf8)))
        let mayStore = await trust.access.permit(StoreCredential.self, on: .credential(of: connection.id), as: me)
        try await trust.vault.store(token, for: connection, of: crm, mayStore.get())
        let mayOpen = await trust.access.permit(OpenCredential.self, on: .credential(of: connection.id), as: me)
        try await trust.vault.withCredential(connection.id, mayOpen.get()) { secret in print(secret.fieldNames) }

        // A job on the company's plan, never beyond its limit.
        let company = Company(id: Identifier(at: SystemTime().now), status: .proofOfConcept)
        try await trust.plans.setStatus(company, sequence: 1)
        let recipe = Recipe(id: Identifier(at: SystemTime().now), version: 1)
        let job = Job(id: Identifier(at: SystemTime().now), recipe: recipe, scope: scope)
        try await trust.tasks.run(job, of: company.id, tasks: 10) { _ in 7 }

        // A recipe, scrubbed and published: without the scrubber's proof this does not compile.
        let document = Array(#"{"note":"ask dana@northwind-traders.net"}"#.utf8)
        let report = trust.publisher.scrubber.scrub(document, as: .plainJSON, for: .publicLibrary)
        if case .publishable(let scrubbed) = report.verdict {
            let mayPublish = await trust.access.permit(PublishRecipe.self, on: .recipe(scrubbed.digest), as: me)
            _ = try await trust.publisher.publish(scrubbed, to: .publicLibrary, mayPublish.get())
        }
        // snippet.hide
    }
}
