"""The policy that the controller of a campaign has learned."""

from __future__ import annotations

from fastapi import APIRouter

from api.documents import PolicyDocument
from api.http.conditional_get import NOT_MODIFIED, IfCampaignModified
from api.http.dependencies import CampaignId, ServiceStore
from nas_controller.campaigns.learned_policy import learned_policy

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["results"])


@router.get("/policy", dependencies=[IfCampaignModified], responses=NOT_MODIFIED, summary="Read the policy")
def policy(campaign_id: CampaignId, store: ServiceStore) -> PolicyDocument:
    """The probability of each multiplier for each block after the latest reward."""
    learned = learned_policy(store, campaign_id)
    return PolicyDocument(
        choices=list(learned.choices),
        blocks=list(learned.blocks),
        probabilities=[list(row) for row in learned.probabilities],
    )
