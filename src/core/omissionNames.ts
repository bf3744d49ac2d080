/**
 * What the name of a field says of what it holds. A name is read in its parts, however it is spelled: `chainOfThought`,
 * `chain.of.thought` and `chain_of_thought` are one, and `llm_thoughts` has `thoughts` in it.
 */
export type Omission = 'chain-of-thought' | 'unused context' | 'raw business content' | 'token-level metadata';

export interface FieldName {
  /** What is left out under this name, unless it is a count. */
  readonly omission: Omission | undefined;
  /** How a model was sampled is no count, whatever number it is. */
  readonly isSetting: boolean;
  /** The words of a person. */
  readonly isOwnWords: boolean;
  /** Who, where, which one: an address or a version stands there by right. */
  readonly isIdentity: boolean;
  /** A time, a share, a size, a score: no value of a business. */
  readonly isMeasure: boolean;
  /** An amount is a value, also where it is whole. */
  readonly isAmount: boolean;
  /** Numbers of tokens, a list of which is the text itself. */
  readonly isOfTokens: boolean;
  /** What something is called and how many there are: a table of such columns is a shape. */
  readonly isOfShape: boolean;
  readonly isDiff: boolean;
}

const names = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** The whole name, its parts joined. */
const WHOLE: readonly (readonly [Omission, ReadonlySet<string>])[] = [
  ['chain-of-thought', names('chainofthought cot thinking thinkingblocks thinkingcontent innermonologue')],
  [
    'unused context',
    names(`unusedcontext unuseddocuments unusedrows retrieved retrievedbutunused retrievedunused retrievedcontext
      retrieveddocuments retrieveddocs retrievedchunks retrievedpassages discardedcontext fullcontext contextwindow
      context ragcontext ragchunks searchresults searchresult`),
  ],
  [
    'raw business content',
    names(`raw rawdata rawtext inputdata outputdata inputvalues outputvalues body values document documents completion
      messages response responsetext rawresponse modelresponse llmresponse transcript filecontent attachment toolresult
      toolresults queryresult queryresults`),
  ],
  [
    'token-level metadata',
    names(`logits tokens tokenids tokenprobs tokenprobabilities probabilities alternatives alternativetokens attentions
      attentionweights samplingparameters samplingparams temperature topp topk minp frequencypenalty presencepenalty
      perplexity`),
  ],
];
const THOUGHT = /reasoning|thoughts?|scratchpad|monologue|chainofthought/;
const CONTENT = /(?:^|system|user)prompts?$/;
const CONTENT_PART = names('input inputs output outputs rows records content contents prompt prompts');
/** `prompt_version`, `output_shape`: of a content such a name tells something, it does not hold it. */
const ABOUT = names(`id ids version hash sha256 digest count counts shape kind type ref name length size bytes ms tokens
  effort budget level mode format language status at`);

const SETTINGS = names('temperature topk topp minp frequencypenalty presencepenalty perplexity');
const OWN_WORDS = names('flags comment comments reason reasons');
const IDENTITIES =
  names(`invokingidentity presentedto reviewer approver approvedby actor executor role gateid method signatureref draftid
  version workflow workflowversion resultingversion modelid modelprovider surface destination anchor target dataref source
  tool type status scope asof date period periods`);
const MEASURES =
  names(`ms sec secs second seconds minute minutes hour hours day days duration latency elapsed ttl ratio share
  percent pct fraction score confidence similarity probability weight threshold size bytes kb mb gb kib mib gib version
  progress coverage precision recall accuracy cost`);
const AMOUNTS = names('amount amounts balance saldo price salary revenue turnover debit credit');
const OF_SHAPE =
  names(`id kind type name unit currency count counts number rows columns lines items entries field column
  step tool status version state ms`);

/** Names come again in every row. */
const known = new Map<string, FieldName>();
const MAX_KNOWN = 2_000;

export function fieldName(name: string): FieldName {
  const found = known.get(name);
  if (found !== undefined) return found;
  if (known.size >= MAX_KNOWN) known.clear();
  const made = read(name);
  known.set(name, made);
  return made;
}

function read(name: string): FieldName {
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[\s_.-]+/);
  const whole = parts.join('');
  const last = parts.at(-1) ?? '';
  const has = (words: ReadonlySet<string>): boolean => parts.some((part) => words.has(part));
  return {
    omission: omissionOf(whole, last, parts.length),
    isSetting: SETTINGS.has(whole),
    isOwnWords: OWN_WORDS.has(whole),
    isIdentity: IDENTITIES.has(whole),
    isMeasure: has(MEASURES),
    isAmount: has(AMOUNTS),
    isOfTokens: parts.some((part) => part.startsWith('token')),
    isOfShape: OF_SHAPE.has(last),
    isDiff: whole === 'diff',
  };
}

function omissionOf(whole: string, last: string, parts: number): Omission | undefined {
  const named = WHOLE.find(([, all]) => all.has(whole));
  if (named !== undefined) return named[0];
  if (whole.includes('logprob')) return 'token-level metadata';
  if (parts > 1 && ABOUT.has(last)) return undefined;
  if (THOUGHT.test(whole)) return 'chain-of-thought';
  return CONTENT.test(whole) || CONTENT_PART.has(last) ? 'raw business content' : undefined;
}
