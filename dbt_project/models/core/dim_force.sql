with areas as (
    select * from {{ ref('dim_area') }}
)

select
    forces.area_code as force_code,
    forces.area_name as force_name,
    regions.area_name as region
from areas as forces
left join areas as regions
    on forces.parent_area_code = regions.area_code
where forces.area_type = 'force'
