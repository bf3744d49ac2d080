/**
 * What has the shape of a secret and says none: a word that stands for one, as logs and examples have it, or the name of
 * a setting. Asked of what the detector found, so that a part of a row is refused for what it is.
 *
 *   postgres://app:REDACTED@db.acme.org/app     ghp_xxxxxxxx…     npm_package_scripts_build_production_ser
 */
const STAND_IN = /^(?:[<[({]?redacted[>\])}]?|(.)\1*)$/i;
const ADDRESS = /^[a-z][a-z0-9+:]*:\/\/([^:/\s]+):([^@/\s]*)@/i;
/** What is between the parts of a token, or the same in all of its kind. */
const FIXED = /^https:\/\/hooks\.slack\.com\/services\/\w+\/\w+\/|secret_?access_?key|T3BlbkFJ|[-_./=:"'\s]+/i;
/** `api03`, `pat`, `live`: parts of how a token begins are no longer. */
const LONGEST_FIXED = 7;

/** Slack's and npm's shapes are words with dashes or underscores between, too: a token of Slack has digits. */
const SLACK_WORDS = /^(?:xox[abopr]|xapp)-[A-Za-z-]*$/;
const NPM_SETTING = /^npm_(?:[A-Za-z]*_[A-Za-z_]*|[a-z]*)$/;

/** @param text that has the shape of a secret, whole */
export function isPlaceholder(text: string): boolean {
  if (SLACK_WORDS.test(text) || NPM_SETTING.test(text)) return true;
  const address = ADDRESS.exec(text);
  if (address === null) return isStandInToken(text);
  const [, user = '', password = ''] = address;
  return STAND_IN.test(password === 'x-oauth-basic' ? user : password);
}

/** Whether every part that is long enough to say something stands for something else, and there is one. */
function isStandInToken(text: string): boolean {
  const [, ...parts] = text.split(FIXED);
  // Keys of some issuers end in AA.
  const long = parts.map((part) => part.replace(/(.)AA$/, '$1')).filter((part) => part.length > LONGEST_FIXED);
  return long.length > 0 && long.every((part) => STAND_IN.test(part));
}
