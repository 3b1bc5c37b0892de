"""What the controller of a campaign has come to believe."""

from __future__ import annotations

from fastapi import APIRouter

from api.dependencies import CampaignId, StoreOfService
from api.documents import PolicyDocument
from api.unchanged import UNCHANGED, UnlessCampaignUnchanged
from nas_controller.replay import controller_of

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["results"])


@router.get("/policy", dependencies=[UnlessCampaignUnchanged], responses=UNCHANGED, summary="Read the policy")
def policy(campaign_id: CampaignId, store: StoreOfService) -> PolicyDocument:
    """The probability of each multiplier for each block after the latest reward."""
    space = store.get_campaign(campaign_id).spec.search_space.build()
    marginals = controller_of(store, campaign_id).policy_marginals()
    return PolicyDocument(choices=list(space.choices), blocks=list(space.searched_blocks), probabilities=marginals)
