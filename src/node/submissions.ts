/**
 * Submissions of clients, end to end: taken in as private cases, reviewed, scrubbed, asked back, published as this
 * member's own derived objects under a pseudonym, and receipted. Whoever may not see a case is told what is told of one
 * that does not exist.
 * @see DOMAIN section 6; docs/submissions.md
 */
import { canonicalJson, type Json, type JsonObject, type MemberId, sha256Hex, utf8 } from '#base'
import {
  answered,
  type Case,
  CASE_AUDIENCE,
  CASE_ID_RANDOM_BYTES,
  type CaseEdit,
  caseId,
  type CasePlan,
  Cases,
  CASES_PER_ORG,
  derive,
  type Derived,
  editFault,
  type Finding,
  OPEN_CASES_PER_ORG,
  OPEN_STATES,
  type Publication,
  pseudonymOf,
  type Source,
  type SubmissionReceipt,
  takeIn,
  toReceipt,
} from '#casework'
import type { TlpLevel } from '#log'
import type { Consent } from '#policy'
import { rawOf, refusalText, toPlan } from './case-plan.ts'
import { NodeError } from './errors.ts'
import type { NodeContext } from './node-context.ts'
import { acknowledgedBy, sightedBy } from './submission-reach.ts'
import { recallOfCase, type Withdrawn, withdrawn } from './submission-withdrawal.ts'
import type { Reader } from './visibility.ts'

/** Messages of one case. */
const CASE_MESSAGES = 200

/** What a client hands in. */
export interface SubmissionRequest {
  objects: readonly JsonObject[]
  consent: Consent
  protect?: readonly string[]
  note?: string
}

/** Where the reviewer would publish: a level, and the alliances by their slugs. */
export interface CaseMarking {
  tlp: TlpLevel
  to: readonly string[]
}

/** What one alliance would get. */
export interface AlliancePreview {
  alliance: string
  pseudonym: string
  publications: (Derived['publications'][number] & { recipients: { slug: string; code: string }[] })[]
  refused: { id: string; code: string; message: string }[]
  findings: Finding[]
}

/** Keeps the cases of a node. */
export class Submissions {
  readonly #node: NodeContext
  readonly #cases: Cases
  readonly #secret: Uint8Array
  readonly #random: (bytes: number) => Uint8Array

  constructor(node: NodeContext, options: { secret: Uint8Array; random: (bytes: number) => Uint8Array }) {
    this.#node = node
    this.#cases = new Cases(node.store)
    this.#secret = options.secret
    this.#random = options.random
  }

  /** Takes a submission of a client; when it is answered, it is durable. A repetition is answered with the open case. */
  async submit(reader: Reader, token: string, request: SubmissionRequest): Promise<{ taken: Case; isNew: boolean }> {
    const { directory, now, config } = this.#node
    const org = reader.org as MemberId
    const source = this.#sourceOf(org)
    if (!source)
      throw new NodeError('FORBIDDEN', 'Submissions come from clients of this member; the token is of none of them.')
    const { protect = [], note } = request
    return this.#cases.exclusively(org, async () => {
      const register = directory.register()
      const time = now()
      const taken = takeIn(request.objects, { org, self: config.member, register, now: time, consent: request.consent })
      const [first] = taken.refused
      if (taken.objects.length === 0)
        throw new NodeError(
          'INPUT_INVALID',
          first
            ? `No object can be taken; of ${first.id}: ${first.code}: ${first.message}`
            : 'The submission holds no object.',
        )
      const digest = sha256Hex(
        utf8(canonicalJson([[...request.objects], request.consent, [...protect], note ?? ''] as unknown as Json)),
      )
      const standing = await this.#cases.standingOf(org, digest)
      if (standing.same) return { taken: standing.same, isNew: false }
      if (standing.open >= OPEN_CASES_PER_ORG || standing.all >= CASES_PER_ORG)
        throw new NodeError(
          'INPUT_INVALID',
          `This member already keeps ${standing.open} open of ${standing.all} cases of yours; wait for its answers.`,
        )
      const opened: Case = {
        id: caseId(time, this.#random(CASE_ID_RANDOM_BYTES)),
        org,
        source,
        state: 'received',
        received: time,
        updated: time,
        consent: { value: taken.consent, time, token },
        protect: [...protect],
        objects: taken.objects.length,
        refused: taken.refused,
        messages: note === undefined ? [] : [{ from: 'submitter', kind: 'answer', text: note, time }],
        edits: [],
        digest,
      }
      await this.#cases.open(opened, taken.objects)
      return { taken: opened, isNew: true }
    })
  }

  /** Cases that the reader may see, in order of arrival. */
  async list(reader: Reader, page: { after?: string; limit: number }): Promise<{ cases: Case[]; next?: string }> {
    const cases = reader.isOperator
      ? await this.#cases.list(page)
      : await this.#cases.listOf(reader.org as MemberId, page)
    const next = cases.length === page.limit ? cases.at(-1)?.id : undefined
    return {
      cases: cases.filter((one) => this.#maySee(reader, one)),
      ...(next === undefined ? {} : { next }),
    }
  }

  /** A case that the reader may see. @throws NOT_FOUND */
  async find(reader: Reader, id: string): Promise<Case> {
    const found = await this.#cases.find(id)
    if (!found || !this.#maySee(reader, found)) throw new NodeError('NOT_FOUND', 'There is no such submission.')
    return found
  }

  objects(id: string): Promise<JsonObject[]> {
    return this.#cases.objects(id)
  }

  plan(id: string): Promise<CasePlan | undefined> {
    return this.#cases.plan(id)
  }

  /** Adds a question, an answer or a note. @throws NOT_FOUND, INPUT_INVALID */
  message(reader: Reader, id: string, text: string, kind: 'question' | 'note'): Promise<Case> {
    return this.#change(reader, id, (one) => {
      if (one.messages.length >= CASE_MESSAGES)
        throw new NodeError('INPUT_INVALID', `A case holds at most ${CASE_MESSAGES} messages.`)
      const time = this.#node.now()
      if (!reader.isOperator)
        return {
          state: answered(one.state),
          messages: [...one.messages, { from: 'submitter', kind: 'answer', text, time }],
        }
      return {
        state: kind === 'question' ? 'asked-back' : one.state,
        messages: [...one.messages, { from: 'reviewer', kind, text, time }],
      }
    })
  }

  /** Sets the reviewer's edits, in place of those before. @throws NOT_FOUND, INPUT_INVALID */
  edit(reader: Reader, id: string, edits: readonly CaseEdit[]): Promise<Case> {
    return this.#change(reader, id, async (one) => {
      const objects = await this.#cases.objects(id)
      for (const [index, edit] of edits.entries()) {
        const fault = editFault(objects, edit)
        if (fault !== undefined) throw new NodeError('INPUT_INVALID', `edits/${index}: ${fault}.`)
      }
      return { edits: [...edits], state: one.state === 'received' ? 'in-review' : one.state }
    })
  }

  /** What each audience would get, and what goes and why; publishes nothing. @throws NOT_FOUND, INPUT_INVALID */
  async preview(reader: Reader, id: string, marking: CaseMarking): Promise<AlliancePreview[]> {
    const one = await this.find(reader, id)
    return this.#derived(one, marking, this.#node.now())
  }

  /** Publishes what the preview shows. @throws NOT_FOUND, INPUT_INVALID, DISK_FULL */
  async accept(reader: Reader, id: string, marking: CaseMarking): Promise<Case> {
    return this.#cases.exclusively(id, async () => {
      const one = await this.find(reader, id)
      if (one.state === 'publishing') return this.#finish(one)
      requireOpen(one)
      const time = this.#node.now()
      const plan = toPlan(await this.#derived(one, marking, time), time)
      const planned: Case = { ...one, state: 'publishing', updated: time }
      await this.#cases.keep(planned, plan)
      return this.#finish(planned)
    })
  }

  /** Ends a case without publishing anything of it. @throws NOT_FOUND, INPUT_INVALID */
  decline(reader: Reader, id: string, reason: string): Promise<Case> {
    return this.#change(reader, id, () => ({ state: 'declined', reason }))
  }

  /**
   * The client takes back its consent to be named, or the submission as a whole: what stands of it is recalled.
   * @throws NOT_FOUND, INPUT_INVALID
   */
  withdraw(reader: Reader, token: string, id: string, what: Withdrawn): Promise<Case> {
    return this.#cases.exclusively(id, async () => {
      const found = await this.find(reader, id)
      if (found.state === 'declined' || found.state === 'withdrawn') requireOpen(found)
      // What is on its way out goes out first: else it could not be taken back.
      const one = found.state === 'publishing' ? await this.#finish(found) : found
      const begun = withdrawn(one, what, { time: this.#node.now(), token })
      await this.#cases.keep(begun)
      return this.#finishWithdrawal(begun)
    })
  }

  /**
   * Finishes publications and withdrawals that a crash interrupted. A publication that is refused by now is taken back, and
   * its case is open again.
   */
  async resume(): Promise<void> {
    for (const { id } of await this.#cases.unfinished())
      await this.#cases.exclusively(id, async () => {
        const one = await this.#cases.find(id)
        if (one?.state === 'publishing') await this.#finish(one).catch((error: unknown) => this.#reopen(one, error))
        else if (one?.withdrawing) await this.#finishWithdrawal(one)
      })
  }

  /** The receipt of an accepted case. */
  async receipt(one: Case): Promise<SubmissionReceipt | undefined> {
    const plan = one.state === 'accepted' ? await this.#cases.plan(one.id) : undefined
    if (!plan) return undefined
    const bases = plan.publications.filter(({ form }) => form === 'base')
    const recipients = new Set(bases.flatMap((base) => base.recipients))
    for (const name of [one.source.slug, one.org]) recipients.delete(name)
    return toReceipt(plan, one.consent.value, {
      recipients: recipients.size,
      acknowledged: await acknowledgedBy(this.#node, bases),
      sighted: await sightedBy(this.#node, plan, bases),
    })
  }

  /** The client itself and the node's operator; what policy says of a client that left holds at once. */
  #maySee(reader: Reader, { org }: Case): boolean {
    if (reader.isOperator) return true
    return reader.org === org && this.#node.visibility.mayRead(reader, { audience: CASE_AUDIENCE, author: org })
  }

  #change(reader: Reader, id: string, change: (one: Case) => Partial<Case> | Promise<Partial<Case>>): Promise<Case> {
    return this.#cases.exclusively(id, async () => {
      const one = await this.find(reader, id)
      requireOpen(one)
      const changed = { ...one, ...(await change(one)), updated: this.#node.now() }
      await this.#cases.keep(changed)
      return changed
    })
  }

  async #derived(one: Case, { tlp, to }: CaseMarking, time: number): Promise<AlliancePreview[]> {
    const { config, directory, store } = this.#node
    const objects = await this.#cases.objects(one.id)
    const previews: AlliancePreview[] = []
    for (const alliance of new Set(to)) {
      const who = { alliance, org: one.org, nation: config.nation }
      if (directory.charter(alliance) === undefined)
        throw new NodeError('INPUT_INVALID', `to: this member stands in no alliance ${alliance}.`)
      const pseudonym = await pseudonymOf(store, this.#secret, who)
      const derived = derive({
        caseId: one.id,
        objects,
        edits: one.edits,
        protect: one.protect,
        consent: one.consent.value,
        source: one.source,
        register: directory.register(),
        author: config.member,
        alliance,
        pseudonym,
        tlp,
        time,
        secret: this.#secret,
      })
      const preview: AlliancePreview = {
        alliance,
        pseudonym,
        publications: [],
        refused: [],
        findings: derived.findings,
      }
      for (const publication of derived.publications) {
        const { published, refused } = await this.#node.publisher.publish(rawOf(publication), {
          tlp: publication.tlp,
          to: publication.to,
          dryRun: true,
        })
        const recipients = new Map(
          published.flatMap((row) => row.recipients as { slug: string; code: string }[]).map((row) => [row.slug, row]),
        )
        preview.refused.push(...refused)
        // A supplement for nobody would only be kept here.
        if (publication.form === 'base' || recipients.size > 0)
          preview.publications.push({
            ...publication,
            recipients: [...recipients.values()].map(({ slug, code }) => ({ slug, code })),
          })
      }
      previews.push(preview)
    }
    return previews
  }

  /** Publishes the plan and writes the receipt; whatever of it stands already is published no second time. */
  async #finish(one: Case): Promise<Case> {
    const plan = await this.#cases.plan(one.id)
    if (!plan) throw new NodeError('STORE_FAILED', `The plan of the case ${one.id} is gone.`)
    const publications: Publication[] = []
    for (const publication of plan.publications) {
      const { tlp, to } = publication
      const { published, refused } = await this.#node.publisher.publish(rawOf(publication), { tlp, to })
      if (refused.length > 0) throw new NodeError('INPUT_INVALID', refusalText(refused))
      publications.push({
        ...publication,
        places: published.flatMap(({ id, log, index }) =>
          log === undefined || index === undefined ? [] : [{ id, log, index }],
        ),
      })
    }
    const accepted: Case = { ...one, state: 'accepted', updated: this.#node.now() }
    await this.#cases.keep(accepted, { ...plan, publications })
    return accepted
  }

  async #finishWithdrawal(one: Case): Promise<Case> {
    const { withdrawing = 'consent', ...rest } = one
    const plan = await this.#cases.plan(one.id)
    const left = plan && (await recallOfCase(this.#node.recallWork, plan, withdrawing))
    const isWhole = withdrawing === 'all'
    const ended: Case = { ...rest, state: isWhole ? 'withdrawn' : one.state, updated: this.#node.now() }
    if (isWhole) await this.#cases.empty({ ...ended, edits: [] }, left)
    else await this.#cases.keep(ended, left)
    return ended
  }

  /** What can't be published as it was planned is reviewed anew; what of it stands already goes. */
  async #reopen(one: Case, error: unknown): Promise<void> {
    if (!(error instanceof NodeError) || error.code !== 'INPUT_INVALID') throw error
    const plan = await this.#cases.plan(one.id)
    if (plan) await recallOfCase(this.#node.recallWork, plan, 'all')
    const time = this.#node.now()
    const note = { from: 'reviewer' as const, kind: 'note' as const, text: error.message, time }
    await this.#cases.keep({ ...one, state: 'in-review', updated: time, messages: [...one.messages, note] })
  }

  /** The client as the charters name it now. */
  #sourceOf(org: MemberId): Source | undefined {
    const { directory, config } = this.#node
    if (!directory.register().org(org)?.clientOf.includes(config.member)) return undefined
    for (const { charter } of directory.charters())
      for (const { id, clients = [] } of charter.members) {
        const row = id === config.member ? clients.find((client) => client.id === org) : undefined
        if (row) return { id: row.id, slug: row.slug, name: row.name, nation: row.nation }
      }
    return undefined
  }
}

function requireOpen({ state }: Case): void {
  if (!OPEN_STATES.includes(state))
    throw new NodeError(
      'INPUT_INVALID',
      `The case is ${state === 'publishing' ? 'being published' : state}; it takes no changes.`,
    )
}
