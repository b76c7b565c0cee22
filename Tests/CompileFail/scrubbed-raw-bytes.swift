// expect: cannot convert value of type '\[UInt8\]' to expected argument type 'ScrubbedRecipe'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePublishing

func act(_ publisher: Publisher, _ recipe: ScrubbedRecipe, _ bytes: [UInt8], _ permit: Permit<PublishRecipe>)
    async throws
{
    #if MISUSE
    _ = try await publisher.publish(bytes, to: .publicLibrary, permit)
    #else
    _ = try await publisher.publish(recipe, to: .publicLibrary, permit)
    #endif
}
