// expect: cannot convert value of type 'Permit<OpenCredential>' to expected
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePublishing

func act(
    _ publisher: Publisher, _ recipe: ScrubbedRecipe, _ right: Permit<PublishRecipe>, _ wrong: Permit<OpenCredential>
) async throws {
    #if MISUSE
    _ = try await publisher.publish(recipe, to: .publicLibrary, wrong)
    #else
    _ = try await publisher.publish(recipe, to: .publicLibrary, right)
    #endif
}
