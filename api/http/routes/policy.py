"""What the controller of a campaign has come to believe."""

from __future__ import annotations

from fastapi import APIRouter

from api.documents import PolicyDocument
from api.http.conditional_get import UNCHANGED, UnlessCampaignUnchanged
from api.http.dependencies import CampaignId, StoreOfService
from nas_controller.campaigns.learned_policy import learned_policy

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["results"])


@router.get("/policy", dependencies=[UnlessCampaignUnchanged], responses=UNCHANGED, summary="Read the policy")
def policy(campaign_id: CampaignId, store: StoreOfService) -> PolicyDocument:
    """The probability of each multiplier for each block after the latest reward."""
    learned = learned_policy(store, campaign_id)
    return PolicyDocument(
        choices=list(learned.choices),
        blocks=list(learned.blocks),
        probabilities=[list(row) for row in learned.probabilities],
    )
