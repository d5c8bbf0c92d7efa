/** Fields that several forms of accounts have. */

import { field } from "../../../console/form.js";

const MIN_PASSWORD_LENGTH = 12;

/** The field for a new password. */
export const newPassword = (label) =>
  field({
    label,
    name: "password",
    type: "password",
    autocomplete: "new-password",
    hint: `At least ${MIN_PASSWORD_LENGTH} characters. Several words in a row are fine.`,
    minLength: MIN_PASSWORD_LENGTH,
    maxLength: 128,
  });
