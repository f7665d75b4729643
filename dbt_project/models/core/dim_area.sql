select
    area_code,
    area_name,
    area_type,
    parent_area_code
from {{ ref('area') }}
