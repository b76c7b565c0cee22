// expect: inaccessible|no member|internal. protection
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

func downgrade(_ label: DataLabel) -> DataLabel {
    #if MISUSE
    DataLabel.aggregate(of: label.categories)
    #else
    DataLabel.pseudonymous(label.categories, from: label.origins)
    #endif
}
