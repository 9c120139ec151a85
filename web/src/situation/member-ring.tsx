import { useTranslation } from 'react-i18next'
import type { Member, Situation } from '../node-api.ts'

const WIDTH = 420
const CENTRE = 0
const RADIUS = 140
/** Room for two lines of text beyond a seat. */
const MARGIN = 92
const SEAT = 30
/** Colours of alliance arcs, told apart also by colour-blind readers. */
const ALLIANCE_COLOURS = ['#057985', '#c26a1a', '#6b5bb5', '#8a7a00', '#a03a6b']

/** Members on a ring with this node in the middle: lines are links, arcs around a seat are its alliances. */
export function MemberRing({ situation }: { situation: Situation }) {
  const { t } = useTranslation()
  const self = situation.members.find((member) => member.self)
  const others = situation.members.filter((member) => !member.self)
  const alliances = situation.alliances.map(({ slug }) => slug)
  return (
    <section className="panel" aria-label={t('members')}>
      <h2>{t('members')}</h2>
      <p className="note">{t('membersNote')}</p>
      <svg className="ring" viewBox={viewBoxOf(others.length)} role="img" aria-label={t('members')}>
        {others.map((member, i) => (
          <LinkLine key={member.member} member={member} {...seatOf(i, others.length)} />
        ))}
        {others.map((member, i) => (
          <Seat key={member.member} member={member} alliances={alliances} {...seatOf(i, others.length)} />
        ))}
        {self && <Seat member={self} alliances={alliances} x={CENTRE} y={CENTRE} />}
      </svg>
      <div className="key">
        {situation.alliances.map(({ slug, version, differ = [] }, i) => (
          <span key={slug}>
            <i style={{ background: ALLIANCE_COLOURS[i % ALLIANCE_COLOURS.length] }} />
            {t('charter', { slug, version })}
            {differ.length > 0 && <strong> {t('charterDiffers', { members: differ.join(', ') })}</strong>}
          </span>
        ))}
      </div>
    </section>
  )
}

/** One or two others stand beside this node, more of them on a ring around it. */
function seatOf(i: number, count: number): Place {
  const start = count <= 2 ? 0 : -Math.PI / 2
  const angle = start + (i / Math.max(1, count)) * 2 * Math.PI
  return { x: CENTRE + RADIUS * Math.cos(angle), y: CENTRE + RADIUS * Math.sin(angle) }
}

function viewBoxOf(count: number): string {
  const heights = [0, ...Array.from({ length: count }, (_, i) => seatOf(i, count).y)]
  const top = Math.min(...heights) - MARGIN
  return `${-WIDTH / 2} ${top} ${WIDTH} ${Math.max(...heights) + MARGIN - top}`
}

interface Place {
  x: number
  y: number
}

function LinkLine({ member, x, y }: { member: Member } & Place) {
  const { t } = useTranslation()
  return (
    <line className={`link ${member.link.state}`} x1={CENTRE} y1={CENTRE} x2={x} y2={y}>
      <title>{`${member.slug}: ${t(`state.${member.link.state}`)}`}</title>
    </line>
  )
}

function Seat({ member, alliances, x, y }: { member: Member; alliances: string[] } & Place) {
  const { t } = useTranslation()
  const { state, lagEntries, quota } = member.link
  const health = quota
    ? t(`quota.${quota}`)
    : lagEntries > 0 && state !== 'self'
      ? t('behind', { count: lagEntries })
      : t(`state.${state}`)
  // Text stands on the side away from the middle, where no line runs.
  const first = y < -SEAT ? y - SEAT - 34 : y + SEAT + 28
  return (
    <g data-member={member.slug} data-state={state}>
      <title>{member.name}</title>
      <circle className={`seat ${member.self ? 'self' : ''}`} cx={x} cy={y} r={SEAT} />
      {member.alliances.map((slug, i) => (
        <circle
          key={slug}
          cx={x}
          cy={y}
          r={SEAT + 5 + i * 5}
          fill="none"
          strokeWidth={3}
          stroke={ALLIANCE_COLOURS[alliances.indexOf(slug) % ALLIANCE_COLOURS.length]}
          opacity={0.85}
        />
      ))}
      <text x={x} y={y + 5} textAnchor="middle">
        {member.nation}
      </text>
      <text x={x} y={first} textAnchor="middle">
        {member.slug}
      </text>
      <text x={x} y={first + 15} textAnchor="middle" className="small">
        {health}
      </text>
    </g>
  )
}
