import type { MemberId, Millis } from '#base'
import type { Federation, FederationEvents } from '#federation'
import type { Arming } from './arming.ts'
import type { NodeEvents } from './events.ts'
import type { Grants } from './grants.ts'
import type { RecallWork } from './recall-tasks.ts'
import type { Situation } from './situation.ts'

/** Who hears of what the federation tells; they are opened after it. */
export interface Ears {
  arming: () => Arming
  situation: () => Situation
  recallWork: () => RecallWork
  grants: () => Grants
  links: () => ReturnType<Federation['links']>
  /** A charter came into force: what members declare as their own may have changed. */
  chartered: () => void
  self: MemberId
  now: () => Millis
}

/** What the node does when the federation tells it something. */
export function federationEvents(events: NodeEvents, ears: Ears): FederationEvents {
  return {
    mirrored(event) {
      events.mirrored(event)
      ears.situation().arrived(event.log, event.objects.length, event.time)
      ears.arming().mirrored(event)
    },
    revised({ author, objects }) {
      const indicators = objects.filter(({ object }) => object.type === 'indicator')
      ears.arming().revised(
        author,
        indicators.map(({ object }) => object.id),
      )
    },
    recovered({ log, objects, time }) {
      ears.grants().recovered()
      ears.situation().arrived(log, objects.length, time)
      ears.arming().published(objects.map(({ index, id }) => ({ log, index, id, time })))
    },
    receipt: (event) => events.receipt(event),
    recalled(event) {
      const { author, log, index, reason } = event
      if (author !== ears.self) {
        events.recalled({ author, log, index, reason, own: false, time: ears.now() })
        ears.recallWork().recalled({ author, log, index, reason, id: event.object?.id })
      }
      ears.arming().recalled(event)
    },
    recallAcknowledged: (event) => events.recallAcknowledged(event),
    alarm: (event) => events.alarm(event),
    linkChanged: (link) => events.linkChanged(link, ears.links()),
    allianceChanged(event) {
      events.allianceChanged(event)
      if (event.what === 'in-force') ears.chartered()
    },
  }
}
