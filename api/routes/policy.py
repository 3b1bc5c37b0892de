"""What the controller of a campaign has come to believe."""

from __future__ import annotations

from fastapi import APIRouter

from api.dependencies import CampaignId, StoreOfService
from api.documents import PolicyDocument
from nas_controller.replay import controller_of
from search_space.space import CHOICES
from search_space.topology import BLOCKS

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["results"])


@router.get("/policy", summary="Read the policy")
def policy(campaign_id: CampaignId, store: StoreOfService) -> PolicyDocument:
    """The probability of each multiplier for each block after the latest reward."""
    marginals = controller_of(store, campaign_id).policy_marginals()
    return PolicyDocument(choices=list(CHOICES), blocks=[block.number for block in BLOCKS], probabilities=marginals)
