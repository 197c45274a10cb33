"""What the rows of a status notice say otherwise than those of a letter: another class, and they guide nobody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import literal

from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.sending.delivery import Delivery


def columns_of(campaign: Campaign) -> dict[Any, Any]:
    """Return the columns of a notice's deliveries, for the INSERT … SELECT that plans them; none for a letter."""
    if campaign.kind is not CampaignKind.NOTICE:
        return {}
    return {
        Delivery.message_class: literal(MessageClass.SERVICE, Delivery.message_class.type),
        Delivery.notice: literal(NoticeKind.STATUS, Delivery.notice.type),
        Delivery.notice_id: literal(campaign.notice_id, Delivery.notice_id.type),
        Delivery.guidance: literal(None, Delivery.guidance.type),
    }
